// SPDX-License-Identifier: Apache-2.0
#include "player.hpp"

#include "rt/domctl.hpp"

namespace hospes::guest {
namespace {

/// As player_code.S knows it.
struct DataPage {
    sched_poll_t poll;  // of the port below
    evtchn_port_t port;
    u64 count;
};
static_assert(__builtin_offsetof(DataPage, port) == 24 && __builtin_offsetof(DataPage, count) == 32);

}  // namespace

long Player::load(void (*code)(), EventPort port) const {
    {
        const ForeignPage page = data();
        if (!page.usable()) return kEFAULT;
        static_cast<DataPage *>(page.data())->port = raw(port);
    }
    return SmallDomain::load(code);
}

u64 Player::cpu_time() const {
    xen_domctl_t request = control_request(XEN_DOMCTL_getvcpuinfo, id());
    return control(request) == 0 ? request.u.getvcpuinfo.cpu_time : 0;
}

long Player::set_share(u16 weight, u16 cap) const {
    xen_domctl_t request = control_request(XEN_DOMCTL_scheduler_op, id());
    request.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    request.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    request.u.scheduler_op.u.credit2 = {weight, cap};
    return control(request);
}

long Player::pin(u32 vcpu, u64 pcpu) const {
    u64 pcpus = u64{1} << pcpu;
    xen_domctl_t request = control_request(XEN_DOMCTL_setvcpuaffinity, id());
    request.u.vcpuaffinity.vcpu = vcpu;
    request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    request.u.vcpuaffinity.cpumap_hard.bitmap.p = reinterpret_cast<u8 *>(&pcpus);
    request.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    return control(request);
}

u64 Player::count() const {
    const ForeignPage page = data();
    return page.usable() ? __atomic_load_n(&static_cast<const DataPage *>(page.data())->count, __ATOMIC_RELAXED) : 0;
}

}  // namespace hospes::guest
