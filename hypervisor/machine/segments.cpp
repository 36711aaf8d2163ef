// SPDX-License-Identifier: Apache-2.0
// While a guest kernel runs its GS base is the live one and the user's waits in KERNEL_GS_BASE; while guest user code runs, the reverse.
// The core itself uses neither.
#include "hypervisor/machine/segments.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/machine/fixups.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

// Defines load_NAME(selector): false, and a null selector, when it cannot be loaded.
#define HV_DEFINE_SELECTOR(name)                                                        \
    u16 read_##name() {                                                                 \
        u16 selector = 0;                                                               \
        asm volatile("mov %%" #name ", %0" : "=r"(selector));                           \
        return selector;                                                                \
    }                                                                                   \
    bool load_##name(u16 selector) {                                                    \
        u32 loaded = selector;                                                          \
        u32 failed = 0;                                                                 \
        asm volatile(                                                                   \
            "1: mov %k[selector], %%" #name "\n"                                        \
            "2:\n" HV_FIXUP("1b", "3f")                                                 \
            ".pushsection .text.fixup, \"ax\", @progbits\n"                             \
            "3: xor %k[selector], %k[selector]\n"                                       \
            "   mov $1, %k[failed]\n"                                                   \
            "   jmp 1b\n"                                                               \
            ".popsection\n"                                                             \
            : [selector] "+r"(loaded), [failed] "+r"(failed)                            \
            :                                                                           \
            : "memory");                                                                \
        return failed == 0;                                                             \
    }

HV_DEFINE_SELECTOR(ds)
HV_DEFINE_SELECTOR(es)
HV_DEFINE_SELECTOR(fs)
HV_DEFINE_SELECTOR(gs)

void swap_gs_base() { asm volatile("swapgs" : : : "memory"); }

bool is_gs_kernel_live(Vcpu const& vcpu) { return vcpu.pv.in_kernel; }

}  // namespace

void save_segments(Vcpu& vcpu) {
    PvState& pv = vcpu.pv;
    pv.ds = read_ds();
    pv.es = read_es();
    pv.fs = read_fs();
    pv.gs = read_gs();
    pv.fs_base = rdmsr(kMsrFsBase);
    u64 const live = rdmsr(kMsrGsBase);
    u64 const waiting = rdmsr(kMsrKernelGsBase);
    pv.gs_base_kernel = is_gs_kernel_live(vcpu) ? live : waiting;
    pv.gs_base_user = is_gs_kernel_live(vcpu) ? waiting : live;
}

bool load_segments(Vcpu const& vcpu) {
    PvState const& pv = vcpu.pv;
    bool const ds = load_ds(pv.ds);
    bool const es = load_es(pv.es);
    bool const fs = load_fs(pv.fs);
    bool const gs = load_gs(pv.gs);
    // A selector brings the base of its descriptor; what the guest last saw counts.
    if (fs) wrmsr(kMsrFsBase, pv.fs_base);
    else wrmsr(kMsrFsBase, 0);
    wrmsr(kMsrGsBase, is_gs_kernel_live(vcpu) ? pv.gs_base_kernel : pv.gs_base_user);
    wrmsr(kMsrKernelGsBase, is_gs_kernel_live(vcpu) ? pv.gs_base_user : pv.gs_base_kernel);
    return ds && es && fs && gs;
}

void load_user_gs(Vcpu& vcpu, u16 selector) {
    if (selector >= 4) selector |= 3;  // never with the core's privilege
    if (!is_gs_kernel_live(vcpu)) {
        load_gs(selector);
        return;
    }
    swap_gs_base();
    load_gs(selector);
    swap_gs_base();
}

}  // namespace hospes
