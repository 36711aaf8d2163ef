// SPDX-License-Identifier: Apache-2.0
// Who may name which domain in a memory hypercall.
#pragma once

#include "hypervisor/hypercall/hypercall.hpp"

namespace hospes {

// The domain `domid` names for `caller`: itself (or DOMID_SELF), or another one it is privileged over.
// Errno::no_such_domain, Errno::perm.
Result<Domain*> target_domain(Vcpu& caller, DomId domid);

// The owner whose frames new page-table entries may map: a target domain, or DOMID_IO (MMIO, on the caller's own rights).
Result<DomId> frame_owner(Vcpu& caller, DomId domid);

// Finishes half-done tables of the caller and of `owner`, whose frames it is about to map: one that waits for its devalidation can take
// no new type. Errno::restart: call again.
Status settle_tables(Vcpu& caller, DomId owner);

}  // namespace hospes
