// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/domain_config.hpp"
#include "dom0-tools/control/kernel_image.hpp"
#include "dom0-tools/ports/privcmd.hpp"

namespace hospes::control {

/// What dom0's daemons need to serve a new domain's store and console.
struct BuiltDomain {
    Mfn store_ring;
    EventPort store_port;
    Mfn console_ring;
    EventPort console_port;
};

/// Makes an empty domain ready to run: memory, kernel and ramdisk, page tables, start_info, rings, grants, first vcpu.
/// It stays paused. On an error the domain is of no use and has to be destroyed.
/// Source: the order of libxenguest 4.17; start_info and vcpu state as xen/xen.h and Linux' startup_xen want them.
Result<BuiltDomain> build_pv_domain(Privcmd& privcmd, DomId domain, DomainConfig const& config,
                                    KernelImage const& kernel, std::span<std::byte const> ramdisk);

}  // namespace hospes::control
