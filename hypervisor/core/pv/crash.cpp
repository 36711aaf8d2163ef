// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/crash.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/log.hpp"

namespace hospes {
namespace {

constexpr unsigned kStackLines = 8;
constexpr unsigned kWordsPerLine = 4;
constexpr unsigned kCodeBytes = 16;

void dump_code(u64 rip) {
    char text[kCodeBytes * 3 + 1] = "";
    for (unsigned i = 0; i < kCodeBytes; ++i) {
        u8 byte = 0;
        if (!copy_from_guest(&byte, GuestAddress{rip + i}, 1)) break;
        text[i * 3] = "0123456789abcdef"[byte >> 4];
        text[i * 3 + 1] = "0123456789abcdef"[byte & 15];
        text[i * 3 + 2] = ' ';
        text[i * 3 + 3] = '\0';
    }
    HV_ERROR("  code %s", text);
}

void dump_stack(u64 rsp) {
    for (unsigned line = 0; line < kStackLines; ++line) {
        u64 words[kWordsPerLine];
        u64 const at = (rsp & ~u64{7}) + line * sizeof words;
        if (!copy_from_guest(words, GuestAddress{at}, sizeof words)) {
            HV_ERROR("  [%016lx] not accessible", at);
            return;
        }
        HV_ERROR("  [%016lx] %016lx %016lx %016lx %016lx", at, words[0], words[1], words[2], words[3]);
    }
}

}  // namespace

void dump_guest(Vcpu& vcpu) {
    GuestRegs const& r = vcpu.regs;
    u64 const cr2 = vcpu.info != nullptr ? __atomic_load_n(&vcpu.info->arch.cr2, __ATOMIC_RELAXED) : 0;
    HV_ERROR("d%uv%u in its %s: vector 0x%x error %x cr2 %016lx", static_cast<unsigned>(vcpu.domain().id().raw()), vcpu.id().raw(),
             vcpu.pv.in_kernel ? "kernel" : "user mode", r.vector, r.error_code, cr2);
    HV_ERROR("  rip %lx:%016lx rsp %lx:%016lx rflags %lx", r.cs, r.rip, r.ss, r.rsp, r.rflags);
    HV_ERROR("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", r.rax, r.rbx, r.rcx, r.rdx);
    HV_ERROR("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r.rsi, r.rdi, r.rbp, r.r8);
    HV_ERROR("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r.r9, r.r10, r.r11, r.r12);
    HV_ERROR("  r13 %016lx r14 %016lx r15 %016lx", r.r13, r.r14, r.r15);
    HV_ERROR("  fs base %016lx gs base %016lx user's %016lx", segment_base(vcpu, SegmentBase::fs), segment_base(vcpu, SegmentBase::gs_kernel),
             segment_base(vcpu, SegmentBase::gs_user));
    HV_ERROR("  kernel root %lx user root %lx kernel stack %lx", vcpu.pv.kernel_root.raw(), vcpu.pv.user_root.raw(), vcpu.pv.kernel_sp);
    dump_code(r.rip);
    dump_stack(r.rsp);
}

void crash_guest(Vcpu& vcpu, char const* why) {
    // Two kilobytes of a slow line: for the first vcpu only, however many crash together.
    if (!vcpu.domain().is_crash_told.exchange(true)) {
        HV_ERROR("domain %u crashed: %s", static_cast<unsigned>(vcpu.domain().id().raw()), why);
        dump_guest(vcpu);
    }
    crash_domain(vcpu, why);
}

}  // namespace hospes
