// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/vcpu_context.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/pv/control_registers.hpp"
#include "hypervisor/core/pv/gdt.hpp"
#include "hypervisor/core/pv/iret_frame.hpp"
#include "hypervisor/core/pv/ldt.hpp"
#include "hypervisor/core/pv/msr_policy.hpp"
#include "hypervisor/core/pv/trap_table.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {
namespace {

constexpr unsigned kIoplShift = 12;
constexpr usize kFxsaveBytes = 512;
constexpr usize kMxcsrOffset = 24;
constexpr u32 kMxcsrWritable = 0xffff;
constexpr usize kXstateBvOffset = 512;
constexpr u64 kXstateLegacy = 3;

bool is_null_or_handler(u64 address) { return address == 0 || is_valid_handler(address); }

bool are_addresses_valid(vcpu_guest_context_t const& context) {
    for (trap_info_t const& entry : context.trap_ctxt)
        if (!is_valid_trap(entry)) return false;
    return is_valid_handler(context.user_regs.rip) && is_null_or_handler(context.event_callback_eip) &&
           is_null_or_handler(context.failsafe_callback_eip) && is_null_or_handler(context.syscall_callback_eip) &&
           is_guest_base(context.kernel_sp == 0 ? 0 : context.kernel_sp - 1) && is_guest_base(context.fs_base) &&
           is_guest_base(context.gs_base_kernel) && is_guest_base(context.gs_base_user);
}

bool are_debug_registers_valid(vcpu_guest_context_t const& context) {
    for (unsigned i = 0; i < 4; ++i)
        if (!is_guest_range(GuestAddress{context.debugreg[i]}, 8)) return false;
    return is_valid_dr7(context.debugreg[7]);
}

// References on an L4 table, or none for mfn 0.
class HeldRoot {
public:
    explicit HeldRoot(Domain& domain) : domain_{domain} {}
    HeldRoot(HeldRoot const&) = delete;
    HeldRoot& operator=(HeldRoot const&) = delete;
    ~HeldRoot() { drop(root_); }

    Status get(Mfn root) {
        HV_TRY(domain_.system().page_types.get_page_and_type(root, domain_.id(), PageType::l4_table));
        root_ = root;
        return {};
    }
    void replace(Mfn& current) {
        Mfn const old = current;
        current = root_;
        root_ = old;
    }

private:
    void drop(Mfn root) {
        if (root.is_valid()) domain_.system().page_types.put_page_and_type(root);
    }
    Domain& domain_;
    Mfn root_;
};

void load_registers(GuestRegs& regs, cpu_user_regs_t const& from) {
    regs = {.r15 = from.r15, .r14 = from.r14, .r13 = from.r13, .r12 = from.r12, .rbp = from.rbp, .rbx = from.rbx, .rdi = from.rdi,
            .rsi = from.rsi, .rdx = from.rdx, .r10 = from.r10, .r8 = from.r8, .r9 = from.r9, .rax = from.rax, .rcx = from.rcx,
            .r11 = from.r11, .error_code = 0, .vector = kEntryNone, .rip = from.rip, .cs = u64{from.cs} | 3,
            .rflags = (from.rflags & kGuestRflags) | kRflagsIf | kRflagsFixed, .rsp = from.rsp, .ss = u64{from.ss} | 3};
}

void save_registers(cpu_user_regs_t& to, Vcpu const& vcpu) {
    GuestRegs const& regs = vcpu.regs;
    to.r15 = regs.r15;
    to.r14 = regs.r14;
    to.r13 = regs.r13;
    to.r12 = regs.r12;
    to.rbp = regs.rbp;
    to.rbx = regs.rbx;
    to.r11 = regs.r11;
    to.r10 = regs.r10;
    to.r9 = regs.r9;
    to.r8 = regs.r8;
    to.rax = regs.rax;
    to.rcx = regs.rcx;
    to.rdx = regs.rdx;
    to.rsi = regs.rsi;
    to.rdi = regs.rdi;
    to.rip = regs.rip;
    to.cs = static_cast<u16>(regs.cs);
    to.rflags = regs.rflags | u64{vcpu.pv.iopl} << kIoplShift;
    to.rsp = regs.rsp;
    to.ss = static_cast<u16>(regs.ss);
    to.ds = vcpu.pv.ds;
    to.es = vcpu.pv.es;
    to.fs = vcpu.pv.fs;
    to.gs = vcpu.pv.gs;
}

// A data selector, at the guest's privilege unless null.
u16 guest_selector(u16 selector) { return selector < 4 ? u16{0} : static_cast<u16>(selector | 3); }

void load_fpu_context(PvState& pv, vcpu_guest_context_t const& context) {
    __builtin_memset(pv.fpu_area, 0, kPageSize);
    init_fpu_area(pv.fpu_area);
    if ((context.flags & VGCF_I387_VALID) == 0) return;
    u8* const area = static_cast<u8*>(pv.fpu_area);
    __builtin_memcpy(area, &context.fpu_ctxt, kFxsaveBytes);
    u32 mxcsr = 0;
    __builtin_memcpy(&mxcsr, area + kMxcsrOffset, sizeof mxcsr);
    mxcsr &= kMxcsrWritable;
    __builtin_memcpy(area + kMxcsrOffset, &mxcsr, sizeof mxcsr);
    __builtin_memcpy(area + kXstateBvOffset, &kXstateLegacy, sizeof kXstateLegacy);
}

void load_pv_state(PvState& pv, vcpu_guest_context_t const& context) {
    pv.in_kernel = (context.flags & VGCF_IN_KERNEL) != 0;
    pv.iopl = static_cast<u8>(context.user_regs.rflags >> kIoplShift & 3);
    pv.kernel_ss = (context.kernel_ss & 0xffff) | 3;
    pv.kernel_sp = context.kernel_sp;
    for (unsigned vector = 0; vector < kMaxTrapVectors; ++vector) {  // by its place, as Xen does
        pv.traps[vector] = trap_handler_of(context.trap_ctxt[vector]);
    }
    pv.event_callback = {.address = context.event_callback_eip, .masks_events = true};
    pv.failsafe_callback = {.address = context.failsafe_callback_eip, .masks_events = (context.flags & VGCF_failsafe_disables_events) != 0};
    pv.syscall_callback = {.address = context.syscall_callback_eip, .masks_events = (context.flags & VGCF_syscall_disables_events) != 0};
    pv.ds = guest_selector(context.user_regs.ds);
    pv.es = guest_selector(context.user_regs.es);
    pv.fs = guest_selector(context.user_regs.fs);
    pv.gs = guest_selector(context.user_regs.gs);
    pv.fs_base = context.fs_base;
    pv.gs_base_kernel = context.gs_base_kernel;
    pv.gs_base_user = context.gs_base_user;
    pv.ts = false;
}

}  // namespace

Status load_context(Vcpu& vcpu, vcpu_guest_context_t const& context) {
    Domain& domain = vcpu.domain();
    if (!are_addresses_valid(context) || !are_debug_registers_valid(context)) return Errno::invalid;
    bool const in_user = (context.flags & VGCF_IN_KERNEL) == 0;
    if (context.gdt_ents > kMaxGuestGdtEntries || context.ldt_ents > 8192 || (in_user && context.ctrlreg[1] == 0)) return Errno::invalid;
    evict_vcpu(vcpu);

    HeldRoot kernel_root{domain};
    HeldRoot user_root{domain};
    HV_TRY(kernel_root.get(Mfn{context.ctrlreg[3] >> kPageShift}));
    if (context.ctrlreg[1] != 0) HV_TRY(user_root.get(Mfn{context.ctrlreg[1] >> kPageShift}));
    HV_TRY(set_gdt(vcpu, context.gdt_frames, static_cast<u32>(context.gdt_ents)));
    kernel_root.replace(vcpu.pv.kernel_root);
    Status const ldt = set_ldt(vcpu, GuestAddress{context.ldt_base}, static_cast<u32>(context.ldt_ents));
    if (!ldt) {
        kernel_root.replace(vcpu.pv.kernel_root);
        return ldt.error();
    }
    user_root.replace(vcpu.pv.user_root);

    load_registers(vcpu.regs, context.user_regs);
    load_pv_state(vcpu.pv, context);
    load_fpu_context(vcpu.pv, context);
    for (unsigned number : {0u, 1u, 2u, 3u, 6u, 7u}) HV_TRY(write_debug_register(vcpu, number, context.debugreg[number]));
    if (vcpu.id() == VcpuId{0}) domain.vm_assist = static_cast<u32>(context.vm_assist);
    vcpu.is_initialised = true;
    return {};
}

void save_context(Vcpu& vcpu, vcpu_guest_context_t& context) {
    save_live_state(vcpu);
    PvState const& pv = vcpu.pv;
    __builtin_memset(&context, 0, sizeof context);
    __builtin_memcpy(&context.fpu_ctxt, pv.fpu_area, kFxsaveBytes);
    context.flags = VGCF_I387_VALID | (pv.in_kernel ? VGCF_IN_KERNEL : 0) | (vcpu.is_up ? VGCF_online : 0) |
                    (pv.failsafe_callback.masks_events ? VGCF_failsafe_disables_events : 0) |
                    (pv.syscall_callback.masks_events ? VGCF_syscall_disables_events : 0);
    save_registers(context.user_regs, vcpu);
    for (unsigned vector = 0; vector < kMaxTrapVectors; ++vector) {
        TrapHandler const& handler = pv.traps[vector];
        context.trap_ctxt[vector] = {static_cast<u8>(vector), static_cast<u8>(handler.dpl | (handler.masks_events ? 4 : 0)), handler.cs, handler.address};
    }
    context.ldt_base = pv.ldt_base;
    context.ldt_ents = pv.ldt_entries;
    for (unsigned i = 0; i < kGuestGdtFrames; ++i) context.gdt_frames[i] = pv.gdt_frames[i].is_valid() ? pv.gdt_frames[i].raw() : 0;
    context.gdt_ents = pv.gdt_entries;
    context.kernel_ss = pv.kernel_ss;
    context.kernel_sp = pv.kernel_sp;
    context.ctrlreg[0] = read_control_register(vcpu, 0).value();
    context.ctrlreg[1] = pv.user_root.is_valid() ? pv.user_root.raw() << kPageShift : 0;
    context.ctrlreg[3] = pv.kernel_root.is_valid() ? pv.kernel_root.raw() << kPageShift : 0;
    context.ctrlreg[4] = read_control_register(vcpu, 4).value();
    for (unsigned i = 0; i < 8; ++i) context.debugreg[i] = pv.debug_registers[i];
    context.event_callback_eip = pv.event_callback.address;
    context.failsafe_callback_eip = pv.failsafe_callback.address;
    context.syscall_callback_eip = pv.syscall_callback.address;
    context.vm_assist = vcpu.domain().vm_assist;
    context.fs_base = pv.fs_base;
    context.gs_base_kernel = pv.gs_base_kernel;
    context.gs_base_user = pv.gs_base_user;
}

}  // namespace hospes
