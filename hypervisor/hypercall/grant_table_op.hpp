// SPDX-License-Identifier: Apache-2.0
// The sub-operations of grant_table_op: uses of grants (grant_use.cpp) and the table itself (grant_table_setup.cpp).
#pragma once

#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

// An array of operations. Each gets its own status; the hypercall fails only when memory cannot be read or written.
struct GrantCall {
    GuestAddress operations;  // on Errno::restart: the first one not done
    u32 count;                // on Errno::restart: how many are left
};

Outcome grant_map(Vcpu& caller, GrantCall& call);
Outcome grant_unmap(Vcpu& caller, GrantCall& call);
Outcome grant_copy(Vcpu& caller, GrantCall& call);

Outcome grant_setup_table(Vcpu& caller, GrantCall& call);
Outcome grant_query_size(Vcpu& caller, GrantCall& call);
Outcome grant_set_version(Vcpu& caller, GrantCall& call);
Outcome grant_get_version(Vcpu& caller, GrantCall& call);

}  // namespace hospes
