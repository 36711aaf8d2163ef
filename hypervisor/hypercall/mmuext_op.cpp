// SPDX-License-Identifier: Apache-2.0
// mmuext_op (26): pins, page-table roots, TLB and cache maintenance, the LDT.
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/pv/ldt.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/hypercall/vcpu_mask.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/preempt.hpp"

#include <cstring>

namespace hospes {
namespace {

struct Context {
    Vcpu& caller;
    Domain& target;  // whose frames are meant: the caller, or a domain it is privileged over
    PageTypes& types;
};

using ExtendedOp = mmuext_op;

template <unsigned kLevel>
Status pin_table(Context& c, ExtendedOp const& op) {
    return c.types.pin(Mfn{op.arg1.mfn}, c.target, table_type(kLevel));
}

Status unpin_table(Context& c, ExtendedOp const& op) { return c.types.unpin(Mfn{op.arg1.mfn}, c.target); }

// A root holds a general and a type reference. The old one is dropped when CR3 has left it.
Status new_baseptr(Context& c, ExtendedOp const& op) {
    Domain& domain = c.caller.domain();
    TypedPage root = HV_TRY(TypedPage::get(c.types, Mfn{op.arg1.mfn}, domain.id(), PageType::l4_table));
    Mfn const old = c.caller.pv.kernel_root;
    c.caller.pv.kernel_root = root.release();
    load_guest_root(c.caller);
    if (old.is_valid()) c.types.put_page_and_type(old);
    return {};
}

Status new_user_baseptr(Context& c, ExtendedOp const& op) {
    Mfn const old = c.caller.pv.user_root;
    if (op.arg1.mfn == 0) {
        c.caller.pv.user_root = Mfn{};
    } else {
        c.caller.pv.user_root =
            HV_TRY(TypedPage::get(c.types, Mfn{op.arg1.mfn}, c.caller.domain().id(), PageType::l4_table)).release();
    }
    if (old.is_valid()) c.types.put_page_and_type(old);
    return {};
}

Status flush_local(Context&, ExtendedOp const&) {
    tlb_flush_local();
    return {};
}

Status invlpg_local(Context&, ExtendedOp const& op) {
    tlb_flush_page_local(GuestAddress{op.arg1.linear_addr});
    return {};
}

Result<PcpuMask> named_pcpus(Context& c, ExtendedOp const& op) {
    Domain const& domain = c.caller.domain();
    return pcpus_of_domain(domain, HV_TRY(read_vcpu_bitmap(domain, GuestAddress{reinterpret_cast<u64>(op.arg2.vcpumask.p)})));
}

Status flush_multi(Context& c, ExtendedOp const& op) {
    tlb_flush_mask(HV_TRY(named_pcpus(c, op)));
    return {};
}

Status invlpg_multi(Context& c, ExtendedOp const& op) {
    tlb_flush_page_mask(HV_TRY(named_pcpus(c, op)), GuestAddress{op.arg1.linear_addr});
    return {};
}

Status flush_all(Context& c, ExtendedOp const&) {
    tlb_flush_mask(pcpus_of_domain(c.caller.domain()));
    return {};
}

Status invlpg_all(Context& c, ExtendedOp const& op) {
    tlb_flush_page_mask(pcpus_of_domain(c.caller.domain()), GuestAddress{op.arg1.linear_addr});
    return {};
}

Status flush_cache(Context& c, ExtendedOp const&) {
    if (!c.caller.domain().is_hardware_domain()) return Errno::perm;
    write_back_caches();
    return {};
}

Status set_ldt_op(Context& c, ExtendedOp const& op) {
    return set_ldt(c.caller, GuestAddress{op.arg1.linear_addr}, op.arg2.nr_ents);
}

Status clear_page(Context& c, ExtendedOp const& op) {
    TypedPage const page = HV_TRY(TypedPage::get(c.types, Mfn{op.arg1.mfn}, c.target.id(), PageType::writable));
    std::memset(frame_pointer(page.mfn()), 0, kPageSize);
    return {};
}

Status copy_page(Context& c, ExtendedOp const& op) {
    Mfn const source{op.arg2.src_mfn};
    HV_TRY(c.types.get_page(source, c.target.id()));
    auto const page = TypedPage::get(c.types, Mfn{op.arg1.mfn}, c.target.id(), PageType::writable);
    if (page.ok()) std::memcpy(frame_pointer(page.value().mfn()), frame_pointer(source), kPageSize);
    c.types.put_page(source);
    return page.ok() ? Status{} : Status{page.error()};
}

struct Row {
    u32 command;
    bool foreign_allowed;  // may act on another domain's frames
    Status (*run)(Context&, ExtendedOp const&);
};

constexpr Row kOps[] = {
    {MMUEXT_PIN_L1_TABLE, true, pin_table<1>},
    {MMUEXT_PIN_L2_TABLE, true, pin_table<2>},
    {MMUEXT_PIN_L3_TABLE, true, pin_table<3>},
    {MMUEXT_PIN_L4_TABLE, true, pin_table<4>},
    {MMUEXT_UNPIN_TABLE, true, unpin_table},
    {MMUEXT_NEW_BASEPTR, false, new_baseptr},
    {MMUEXT_TLB_FLUSH_LOCAL, true, flush_local},
    {MMUEXT_INVLPG_LOCAL, true, invlpg_local},
    {MMUEXT_TLB_FLUSH_MULTI, true, flush_multi},
    {MMUEXT_INVLPG_MULTI, true, invlpg_multi},
    {MMUEXT_TLB_FLUSH_ALL, true, flush_all},
    {MMUEXT_INVLPG_ALL, true, invlpg_all},
    {MMUEXT_FLUSH_CACHE, true, flush_cache},
    {MMUEXT_SET_LDT, false, set_ldt_op},
    {MMUEXT_NEW_USER_BASEPTR, false, new_user_baseptr},
    {MMUEXT_CLEAR_PAGE, true, clear_page},
    {MMUEXT_COPY_PAGE, true, copy_page},
    {MMUEXT_FLUSH_CACHE_GLOBAL, true, flush_cache},
};

Status run_op(Context& c, ExtendedOp const& op) {
    HV_TRY(c.types.settle(c.caller.domain()));
    if (&c.target != &c.caller.domain()) HV_TRY(c.types.settle(c.target));
    for (Row const& row : kOps) {
        if (row.command != op.cmd) continue;
        if (!row.foreign_allowed && &c.target != &c.caller.domain()) return Errno::perm;
        return row.run(c, op);
    }
    return Errno::no_system_call;
}

}  // namespace

Outcome hypercall_mmuext_op(Vcpu& caller, HypercallArgs& args) {
    constexpr u64 kContinued = u64{1} << 31;
    GuestHandle<ExtendedOp> const ops{args[0]};
    GuestHandle<u32> const done_handle{args[2]};
    u64 const count = args[1] & ~kContinued;
    u32 done = 0;
    if ((args[1] & kContinued) != 0 && !done_handle.is_null()) done = HV_TRY(done_handle.read());
    Domain* const target = HV_TRY(target_domain(caller, DomId{static_cast<u16>(args[3])}));
    if (target->life != LifeState::alive) return Errno::no_such_domain;  // a new pin would outlive what gives up the old ones
    Context context{caller, *target, caller.domain().system().page_types};

    u64 i = 0;
    Status status{};
    for (; i < count; ++i) {
        if (i > 0 && preempt_pending()) {
            status = Errno::restart;
            break;
        }
        ExtendedOp op;
        status = ops.read_into(op, i);
        if (status.ok()) status = run_op(context, op);
        if (!status.ok()) break;
    }
    if (!done_handle.is_null()) HV_TRY(done_handle.write(done + static_cast<u32>(i)));
    if (status.ok()) return 0;
    if (status.error() == Errno::restart) {
        args[0] = ops.offset(i).address().raw();
        args[1] = (count - i) | kContinued;
    }
    return status.error();
}

}  // namespace hospes
