// SPDX-License-Identifier: Apache-2.0
// What domctl and sysctl tell of a domain, and the page of hypercall stubs.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

xen_domctl_getdomaininfo describe_domain(Domain const& domain);

// Fills one page with a stub of 32 bytes for each hypercall number.
void write_hypercall_page(u8* page);

}  // namespace hospes
