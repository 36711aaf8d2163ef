// SPDX-License-Identifier: Apache-2.0
// Size, frames and version of a grant table.
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/hypercall/grant_table_op.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

GrantStatus status_of_target(Errno error) {
    return error == Errno::perm ? GrantStatus::permission_denied : GrantStatus::bad_domain;
}

GrantStatus list_frames(GrantTable& grants, gnttab_setup_table_t const& op) {
    if (!grants.grow(op.nr_frames).ok()) return GrantStatus::general_error;
    GuestHandle<xen_pfn_t> const list{reinterpret_cast<u64>(op.frame_list.p)};
    for (u32 i = 0; i < op.nr_frames; ++i) {
        Result<Mfn> const frame = grants.shared_frame(i);
        if (!frame.ok()) return GrantStatus::general_error;
        if (!list.write(frame.value().raw(), i).ok()) return GrantStatus::bad_virtual_address;
    }
    return GrantStatus::okay;
}

}  // namespace

// GNTTABOP_setup_table, by the domain itself or the control domain: grows to nr_frames and lists the frames.
Outcome grant_setup_table(Vcpu& caller, GrantCall& call) {
    if (call.count != 1) return Errno::invalid;
    GuestHandle<gnttab_setup_table_t> const handle{call.operations};
    gnttab_setup_table_t op = HV_TRY(handle.read());
    Result<Domain*> const domain = target_domain(caller, DomId{op.dom});
    op.status = static_cast<i16>(domain.ok() ? list_frames(domain.value()->grants, op) : status_of_target(domain.error()));
    HV_TRY(handle.write(op));
    return 0;
}

// GNTTABOP_query_size
Outcome grant_query_size(Vcpu& caller, GrantCall& call) {
    if (call.count != 1) return Errno::invalid;
    GuestHandle<gnttab_query_size_t> const handle{call.operations};
    gnttab_query_size_t op = HV_TRY(handle.read());
    Result<Domain*> const domain = target_domain(caller, DomId{op.dom});
    op.status = static_cast<i16>(domain.ok() ? GrantStatus::okay : status_of_target(domain.error()));
    if (domain.ok()) {
        op.nr_frames = domain.value()->grants.frame_count();
        op.max_nr_frames = domain.value()->grants.max_frames();
    }
    HV_TRY(handle.write(op));
    return 0;
}

// GNTTABOP_set_version: there is only version 1. Errno::no_system_call for 2 makes Linux stay with 1.
Outcome grant_set_version(Vcpu&, GrantCall& call) {
    if (call.count != 1) return Errno::invalid;
    gnttab_set_version_t const op = HV_TRY(GuestHandle<gnttab_set_version_t>{call.operations}.read());
    if (op.version == 2) return Errno::no_system_call;
    if (op.version != 1) return Errno::invalid;
    return 0;
}

// GNTTABOP_get_version
Outcome grant_get_version(Vcpu& caller, GrantCall& call) {
    if (call.count != 1) return Errno::invalid;
    GuestHandle<gnttab_get_version_t> const handle{call.operations};
    gnttab_get_version_t op = HV_TRY(handle.read());
    HV_TRY(target_domain(caller, DomId{op.dom}));
    op.version = 1;
    HV_TRY(handle.write(op));
    return 0;
}

}  // namespace hospes
