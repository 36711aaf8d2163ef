// SPDX-License-Identifier: Apache-2.0
// The whole context of a vcpu, by the ways it goes: setvcpucontext and getvcpucontext of dom0, VCPUOP_initialise of the domain itself.
#include "hypervisor/core/event/vcpu_info.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kCode = 0xffff'ffff'8100'0000;

struct Contexts : Stage {
    Contexts() {
        two.domain.is_paused_by_control = true;
        scheduler.pause_domain(two.domain);
        map_page(two.vcpu, two.space, 0, two.pages[1], false);
    }
    vcpu_guest_context_t good() {
        vcpu_guest_context_t context{};
        context.flags = VGCF_IN_KERNEL | VGCF_online | VGCF_I387_VALID | VGCF_syscall_disables_events | VGCF_failsafe_disables_events;
        context.user_regs.rip = kCode;
        context.user_regs.rsp = 0x8000;
        context.user_regs.rax = 1;
        context.user_regs.r15 = 15;
        context.user_regs.cs = 0xe030;
        context.user_regs.ds = 0x28;
        context.user_regs.es = 2;  // a null selector
        context.user_regs.rflags = 1u << 12 | 0x202 | 1u << 14 | 1u << 17;  // IOPL 1; NT may be, VM not
        context.ctrlreg[3] = two.space.l4.raw() << kPageShift;
        context.ctrlreg[1] = two.space.l4.raw() << kPageShift;
        context.gdt_frames[0] = two.pages[0].raw();
        context.gdt_ents = 16;
        context.ldt_base = AddressSpace::page(0).raw();
        context.ldt_ents = 8;
        context.kernel_ss = 0xe02b;
        context.kernel_sp = 0x9000;
        context.event_callback_eip = kCode + 1;
        context.failsafe_callback_eip = kCode + 2;
        context.syscall_callback_eip = kCode + 3;
        context.trap_ctxt[14] = {14, 4, 0xe033, kCode + 14};
        context.debugreg[0] = 0x1234;
        context.fs_base = 0x10;
        context.gs_base_kernel = kCode;
        context.gs_base_user = 0x30;
        context.vm_assist = 1u << VMASST_TYPE_pae_extended_cr3;
        u32 const mxcsr = ~0u;
        std::memcpy(reinterpret_cast<u8*>(&context.fpu_ctxt) + 24, &mxcsr, sizeof mxcsr);
        return context;
    }
    i64 pass(u32 command, u32 vcpu, u64 context, u16 domain = 2) {
        xen_domctl request{};
        request.cmd = command;
        request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
        request.domain = domain;
        request.u.vcpucontext.vcpu = vcpu;
        request.u.vcpucontext.ctxt.p = reinterpret_cast<vcpu_guest_context_t*>(context);
        return World::hypercall(zero.vcpu, __HYPERVISOR_domctl, {pointer_to(request)});
    }
    i64 set(vcpu_guest_context_t const& context, u32 vcpu = 0) { return pass(XEN_DOMCTL_setvcpucontext, vcpu, pointer_to(context)); }
    template <typename Change>
    i64 set_changed(Change change) {
        vcpu_guest_context_t context = good();
        change(context);
        return set(context);
    }
};

}  // namespace

TEST_CASE("a context that was set is the context that is read", "[hypercall][context]") {
    Contexts w;
    CHECK(w.set(w.good()) == 0);
    auto& read = w.arguments<vcpu_guest_context_t>();
    CHECK(w.pass(XEN_DOMCTL_getvcpucontext, 0, read.address()) == 0);
    vcpu_guest_context_t const& is = *read;
    vcpu_guest_context_t const was = w.good();
    CHECK(is.flags == was.flags);
    CHECK(is.user_regs.rip == kCode);
    CHECK(is.user_regs.rsp == was.user_regs.rsp);
    CHECK(is.user_regs.r15 == 15);
    CHECK(is.user_regs.cs == 0xe033);  // at the guest's privilege
    CHECK(is.user_regs.ds == 0x2b);
    CHECK(is.user_regs.es == 0);
    CHECK((is.user_regs.rflags >> 12 & 3) == 1);
    CHECK((is.user_regs.rflags >> 17 & 1) == 0);
    CHECK(is.ctrlreg[3] == was.ctrlreg[3]);
    CHECK(is.ctrlreg[1] == was.ctrlreg[1]);
    CHECK(is.gdt_frames[0] == was.gdt_frames[0]);
    CHECK(is.gdt_ents == 16);
    CHECK(is.ldt_base == was.ldt_base);
    CHECK(is.ldt_ents == 8);
    CHECK(is.kernel_ss == 0xe02b);
    CHECK(is.kernel_sp == 0x9000);
    CHECK(is.event_callback_eip == kCode + 1);
    CHECK(is.failsafe_callback_eip == kCode + 2);
    CHECK(is.syscall_callback_eip == kCode + 3);
    CHECK(is.trap_ctxt[14].address == kCode + 14);
    CHECK(is.trap_ctxt[14].flags == 4);
    CHECK(is.debugreg[0] == 0x1234);
    CHECK(is.fs_base == 0x10);
    CHECK(is.gs_base_kernel == kCode);
    CHECK(is.gs_base_user == 0x30);
    CHECK(is.vm_assist == was.vm_assist);
    u32 mxcsr = 0;
    std::memcpy(&mxcsr, reinterpret_cast<u8 const*>(&is.fpu_ctxt) + 24, sizeof mxcsr);
    CHECK(mxcsr == 0xffff);  // reserved bits would fault in the core
    CHECK(w.two.vcpu.is_up);
}

TEST_CASE("setting a context again drops what the old one held", "[hypercall][context]") {
    Contexts w;
    u64 const references = RefWord::Count::get(w.ram.frames()[w.two.space.l4].refs.load());
    CHECK(w.set(w.good()) == 0);
    CHECK(RefWord::Count::get(w.ram.frames()[w.two.space.l4].refs.load()) == references + 1);  // and as the user's root
    CHECK(w.set_changed([](auto& c) {
        c.gdt_ents = c.ldt_ents = 0;
        c.ctrlreg[1] = 0;
        c.flags = VGCF_IN_KERNEL;
    }) == 0);
    CHECK(RefWord::Count::get(w.ram.frames()[w.two.space.l4].refs.load()) == references);
    CHECK(RefWord::Count::get(w.ram.frames()[w.two.pages[0]].refs.load()) == 1);
    CHECK(!w.two.vcpu.pv.user_root.is_valid());
    CHECK(!w.two.vcpu.is_up);
    auto& read = w.arguments<vcpu_guest_context_t>();
    CHECK(w.pass(XEN_DOMCTL_getvcpucontext, 0, read.address()) == 0);
    CHECK(read->ctrlreg[1] == 0);
    CHECK(read->gdt_frames[0] == 0);
    CHECK((read->flags & VGCF_online) == 0);
}

TEST_CASE("a context with an address of the core's is refused", "[hypercall][context]") {
    Contexts w;
    constexpr u64 kBad = kHypervisorStart;
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.user_regs.rip = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.event_callback_eip = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.failsafe_callback_eip = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.syscall_callback_eip = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.kernel_sp = kBad + 1; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.fs_base = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.gs_base_kernel = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.gs_base_user = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.trap_ctxt[255].address = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.debugreg[3] = kBad; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.debugreg[7] = 0x2000; }));
    CHECK(w.set_changed([](auto& c) { c.kernel_sp = c.event_callback_eip = 0; }) == 0);
}

TEST_CASE("a context with a bad root or table is refused", "[hypercall][context]") {
    Contexts w;
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([&](auto& c) { c.ctrlreg[3] = w.two.space.l3.raw() << kPageShift; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([&](auto& c) { c.ctrlreg[3] = w.one.space.l4.raw() << kPageShift; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([&](auto& c) { c.ctrlreg[1] = w.one.space.l4.raw() << kPageShift; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.ctrlreg[3] = 0; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.gdt_ents = 14 * 512 + 1; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) { c.ldt_ents = 8193; }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([&](auto& c) { c.gdt_frames[0] = w.one.pages[0].raw(); }));
    CHECK_REFUSED(w, Errno::invalid, w.set_changed([](auto& c) {
        c.flags &= ~u64{VGCF_IN_KERNEL};
        c.ctrlreg[1] = 0;
    }));
}

TEST_CASE("a bad LDT leaves the vcpu its old root", "[hypercall][context]") {
    Contexts w;
    Mfn const root = w.two.vcpu.pv.kernel_root;
    CHECK(w.set_changed([](auto& c) { c.ldt_base = AddressSpace::page(9).raw(); }) == to_abi(Errno::invalid));
    CHECK(w.two.vcpu.pv.kernel_root == root);
    CHECK(RefWord::Count::get(w.ram.frames()[root].refs.load()) == 3);
}

TEST_CASE("setvcpucontext is for a vcpu that exists and stands still", "[hypercall][context]") {
    Contexts w;
    CHECK_REFUSED(w, Errno::invalid, w.set(w.good(), 1));
    CHECK_REFUSED(w, Errno::fault, w.pass(XEN_DOMCTL_setvcpucontext, 0, kNowhere));
    CHECK_REFUSED(w, Errno::busy, w.pass(XEN_DOMCTL_setvcpucontext, 0, w.pointer_to(w.good()), 1));
    w.two.vcpu.is_initialised = false;
    CHECK_REFUSED(w, Errno::no_data, w.pass(XEN_DOMCTL_getvcpucontext, 0, w.arguments<vcpu_guest_context_t>().address()));
    CHECK_REFUSED(w, Errno::invalid, w.pass(XEN_DOMCTL_getvcpucontext, 1, w.arguments<vcpu_guest_context_t>().address()));
}

TEST_CASE("a guest gives its second vcpu a context once", "[hypercall][context]") {
    Contexts w;
    Vcpu& second = *w.one.domain.vcpus[1];
    w.scheduler.set_down(second);
    second.is_initialised = false;
    auto const op = [&](u64 command, u64 argument = 0) { return World::hypercall(w.one.vcpu, __HYPERVISOR_vcpu_op, {command, 1, argument}); };
    vcpu_guest_context_t context = w.good();
    CHECK_REFUSED(w, Errno::invalid, op(VCPUOP_up));
    CHECK_REFUSED(w, Errno::invalid, op(VCPUOP_initialise, w.pointer_to(context)));  // the roots are domain two's
    context.ctrlreg[3] = context.ctrlreg[1] = w.one.space.l4.raw() << kPageShift;
    context.gdt_ents = context.ldt_ents = 0;
    CHECK(op(VCPUOP_initialise, w.pointer_to(context)) == 0);
    CHECK(op(VCPUOP_is_up) == 0);
    CHECK_REFUSED(w, Errno::exists, op(VCPUOP_initialise, w.pointer_to(context)));
    CHECK(op(VCPUOP_up) == 0);
    CHECK(op(VCPUOP_is_up) == 1);
    CHECK(op(VCPUOP_down) == 0);
    CHECK(op(VCPUOP_is_up) == 0);
}

TEST_CASE("a vcpu without a vcpu_info cannot be initialised", "[hypercall][context]") {
    Contexts w;
    Vcpu& second = *w.one.domain.vcpus[1];
    second.is_initialised = false;
    release_vcpu_info(second);
    vcpu_guest_context_t const context = w.good();
    CHECK_REFUSED(w, Errno::invalid, World::hypercall(w.one.vcpu, __HYPERVISOR_vcpu_op, {VCPUOP_initialise, 1, w.pointer_to(context)}));
}
