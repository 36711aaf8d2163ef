// SPDX-License-Identifier: Apache-2.0
// XENMEM_populate_physmap, increase_reservation, decrease_reservation: frames to and from the heap. They return the number of extents
// done, also when they could not do all.
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/hypercall/memory_op.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/preempt.hpp"

namespace hospes {
namespace {

// An extent is wiped and assigned without a break.
constexpr unsigned kMaxOrderOfControlDomain = 12;
constexpr unsigned kMaxUnprivilegedOrder = 9;
constexpr u64 kFramesBetweenChecks = 256;

// A decoded xen_memory_reservation.
struct Reservation {
    Domain* domain;
    GuestHandle<u64> extents;
    u64 count;
    unsigned order;
    unsigned address_bits;
};

Result<Reservation> decode(Vcpu& caller, MemoryCall const& call) {
    auto const raw = HV_TRY(GuestHandle<xen_memory_reservation_t>{call.arg}.read());
    Domain* const domain = HV_TRY(target_domain(caller, DomId{raw.domid}));
    unsigned const limit = caller.domain().is_control_domain() ? kMaxOrderOfControlDomain : kMaxUnprivilegedOrder;
    if (raw.extent_order > limit || raw.nr_extents > (~u64{0} >> MEMOP_EXTENT_SHIFT) >> 1) return Errno::invalid;
    if (call.start_extent > raw.nr_extents) return Errno::invalid;
    unsigned const address_bits = XENMEMF_get_address_bits(raw.mem_flags);
    // Low memory is for devices, and looking for it goes through all that is free.
    if (address_bits != 0 && !caller.domain().is_control_domain()) return Errno::perm;
    GuestHandle<u64> const extents{reinterpret_cast<u64>(raw.extent_start.p)};
    return Reservation{domain, extents, raw.nr_extents, raw.extent_order, address_bits};
}

// Runs `step` for each extent from where the call stopped; ends early, with the number done, when one fails.
template <typename Step>
Outcome for_each_extent(Vcpu& caller, MemoryCall& call, Step step) {
    Reservation const reservation = HV_TRY(decode(caller, call));
    u64 const first = call.start_extent;
    while (call.start_extent < reservation.count) {
        u64 const done_now = (call.start_extent - first) << reservation.order;  // at least some, each time
        bool const is_time_to_look = done_now != 0 && done_now % kFramesBetweenChecks == 0;  // both are powers of two
        if (is_time_to_look && preempt_pending()) return Errno::restart;
        Status const done = step(reservation, call.start_extent);
        if (!done.ok() && done.error() == Errno::restart) return Errno::restart;
        if (!done.ok()) break;
        ++call.start_extent;
    }
    return static_cast<i64>(call.start_extent);
}

Status give_back(Domain& domain, Mfn first, unsigned order, Errno why) {
    for (u64 i = 0; i < u64{1} << order; ++i) (void)release_frame(domain, first + i);  // ours a moment ago: cannot fail
    return why;
}

Status populate_one(Reservation const& r, u64 index) {
    u64 const pfn = HV_TRY(r.extents.read(index));
    Mfn const first = HV_TRY(populate_frames(*r.domain, r.order, r.address_bits));
    for (u64 i = 0; i < u64{1} << r.order; ++i) set_m2p(first + i, pfn + i);
    Status const told = r.extents.write(first.raw(), index);
    return told.ok() ? told : give_back(*r.domain, first, r.order, told.error());
}

Status increase_one(Reservation const& r, u64 index) {
    Mfn const first = HV_TRY(populate_frames(*r.domain, r.order, r.address_bits));
    for (u64 i = 0; i < u64{1} << r.order; ++i) clear_m2p(first + i);
    if (r.extents.is_null()) return {};
    Status const told = r.extents.write(first.raw(), index);
    return told.ok() ? told : give_back(*r.domain, first, r.order, told.error());
}

Status decrease_one(Reservation const& r, u64 index) {
    HV_TRY(r.domain->system().page_types.settle(*r.domain));
    Mfn const first{HV_TRY(r.extents.read(index))};
    for (u64 i = 0; i < u64{1} << r.order; ++i) HV_TRY(release_frame(*r.domain, first + i));
    return {};
}

}  // namespace

Outcome memory_populate_physmap(Vcpu& caller, MemoryCall& call) { return for_each_extent(caller, call, populate_one); }
Outcome memory_increase_reservation(Vcpu& caller, MemoryCall& call) { return for_each_extent(caller, call, increase_one); }
Outcome memory_decrease_reservation(Vcpu& caller, MemoryCall& call) { return for_each_extent(caller, call, decrease_one); }

}  // namespace hospes
