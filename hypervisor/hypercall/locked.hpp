// SPDX-License-Identifier: Apache-2.0
// A hypercall, or one of its sub-operations, with the core lock around it: for those that touch more than their caller's own state.
#pragma once

#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

// Stands in a table where `kRun` would; the column of the table gives the types of its parameters.
template <auto kRun, typename... Args>
Outcome locked(Args... args) {
    CoreGuard const guard;
    return kRun(args...);
}

}  // namespace hospes
