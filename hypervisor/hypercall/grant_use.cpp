// SPDX-License-Identifier: Apache-2.0
// Mapping, unmapping and copying grants: batches of operations, preemptible between any two.
#include "hypervisor/core/grant/copy.hpp"
#include "hypervisor/core/grant/map.hpp"
#include "hypervisor/hypercall/grant_table_op.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/preempt.hpp"

namespace hospes {
namespace {

// Reads each operation once. `perform` does it, fills in its results and calls its second argument to write them back.
template <typename Op, typename Perform>
Outcome for_each_operation(GrantCall& call, Perform perform) {
    GuestHandle<Op> const handle{call.operations};
    for (u32 done = 0; done < call.count; ++done) {
        if (done != 0 && preempt_pending()) {
            call.operations = handle.offset(done).address();
            call.count -= done;
            return Errno::restart;
        }
        Op op;
        HV_TRY(handle.read_into(op, done));
        HV_TRY(perform(op, [&] { return handle.write(op, done); }));
    }
    return 0;
}

GrantCopyEnd decode(gnttab_copy::gnttab_copy_ptr const& end, bool is_grant) {
    return {is_grant, is_grant ? end.u.ref : end.u.gmfn, DomId{end.domid}, end.offset};
}

}  // namespace

// GNTTABOP_map_grant_ref. The guest learns its handle first: whoever cannot be told has nothing mapped.
Outcome grant_map(Vcpu& caller, GrantCall& call) {
    return for_each_operation<gnttab_map_grant_ref_t>(call, [&](gnttab_map_grant_ref_t& op, auto const& tell) -> Status {
        GrantMap map{caller, {op.host_addr, op.flags, GrantRef{op.ref}, DomId{op.dom}}};
        GrantMapResult const result = map.result();
        op.status = static_cast<i16>(result.status);
        if (result.status == GrantStatus::okay) {
            op.handle = result.handle.raw();
            op.dev_bus_addr = result.bus_address.raw();
        }
        HV_TRY(tell());
        if (result.status != GrantStatus::okay) return {};
        op.status = static_cast<i16>(map.perform());
        return op.status == GNTST_okay ? Status{} : tell();
    });
}

// GNTTABOP_unmap_grant_ref
[[gnu::flatten]] Outcome grant_unmap(Vcpu& caller, GrantCall& call) {
    UnmapBatch batch{caller};
    return for_each_operation<gnttab_unmap_grant_ref_t>(call, [&](gnttab_unmap_grant_ref_t& op, auto const& tell) {
        op.status = static_cast<i16>(batch.unmap({op.host_addr, op.dev_bus_addr, GrantHandle{op.handle}}));
        return tell();
    });
}

// GNTTABOP_copy
[[gnu::flatten]] Outcome grant_copy(Vcpu& caller, GrantCall& call) {
    return for_each_operation<gnttab_copy_t>(call, [&](gnttab_copy_t& op, auto const& tell) {
        GrantCopyEnd const source = decode(op.source, (op.flags & GNTCOPY_source_gref) != 0);
        GrantCopyEnd const destination = decode(op.dest, (op.flags & GNTCOPY_dest_gref) != 0);
        op.status = static_cast<i16>(copy_grant(caller, source, destination, op.len));
        return tell();
    });
}

}  // namespace hospes
