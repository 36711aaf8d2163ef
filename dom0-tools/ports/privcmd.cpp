// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/privcmd.hpp"

#include <algorithm>

namespace hospes {

DomainInfo decode(xen_domctl_getdomaininfo const& raw) {
    DomainInfo info;
    info.id = DomId{raw.domain};
    std::ranges::copy(raw.handle, info.handle.begin());
    info.is_dying = (raw.flags & XEN_DOMINF_dying) != 0;
    info.is_shutdown = (raw.flags & XEN_DOMINF_shutdown) != 0;
    info.is_paused = (raw.flags & XEN_DOMINF_paused) != 0;
    info.is_blocked = (raw.flags & XEN_DOMINF_blocked) != 0;
    info.is_running = (raw.flags & XEN_DOMINF_running) != 0;
    info.shutdown_reason = (raw.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
    info.pages = raw.tot_pages;
    info.max_pages = raw.max_pages;
    info.shared_info = Mfn{raw.shared_info_frame};
    info.cpu_time_ns = raw.cpu_time;
    info.online_vcpus = raw.nr_online_vcpus;
    info.vcpus = raw.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : raw.max_vcpu_id + 1;
    return info;
}

}  // namespace hospes
