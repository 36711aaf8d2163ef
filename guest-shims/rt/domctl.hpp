// SPDX-License-Identifier: Apache-2.0
// domctl, which the initial domain may use.
#pragma once
#include "hypercall.hpp"

namespace hospes::guest {

inline xen_domctl_t control_request(u32 command, u16 domain) {
    xen_domctl_t request{};
    request.cmd = command;
    request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    request.domain = domain;
    return request;
}
inline long control(xen_domctl_t &request) { return hypercall(__HYPERVISOR_domctl, address_of(&request)); }
/// One without operands.
inline long control(u32 command, u16 domain) {
    xen_domctl_t request = control_request(command, domain);
    return control(request);
}

}  // namespace hospes::guest
