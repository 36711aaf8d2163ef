// SPDX-License-Identifier: Apache-2.0
// What of the current vcpu's state lives in the processor while it runs, and is changed through the processor.
// All of these act on the vcpu whose state is loaded on this pcpu; for any other they change only what the Vcpu object holds.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;

// Guest kernel <-> guest user: page-table root, GS base, I/O ports. A mode change goes through here and nowhere else.
// Returns false, with nothing changed, when there is no user root to change to.
[[nodiscard]] bool enter_guest_mode(Vcpu& vcpu, bool kernel);

// The root for the vcpu's mode has changed (new_baseptr, new_user_baseptr), or its translations must be forgotten: loads CR3.
void load_guest_root(Vcpu& vcpu);

// gdt_frames or ldt_frames/ldt_entries have changed: points the processor's windows at them. Flushes the window's translations.
void load_guest_gdt(Vcpu& vcpu);
void load_guest_ldt(Vcpu& vcpu);

// The I/O privilege has changed (PHYSDEVOP_set_iopl).
void load_io_privilege(Vcpu& vcpu);

// Segment bases. gs_user is the base that is not live while the guest kernel runs.
enum class SegmentBase : u8 { fs, gs_kernel, gs_user };
u64 segment_base(Vcpu& vcpu, SegmentBase which);
void set_segment_base(Vcpu& vcpu, SegmentBase which, u64 base);  // base: checked canonical
// Loads `selector` into the user GS; a selector that cannot be loaded becomes null.
void load_user_gs(Vcpu& vcpu, u16 selector);

// Brings PvState (segments, bases, FPU area) of a vcpu up to date with the processor; it stays loaded.
void save_live_state(Vcpu& vcpu);
// The same, and the processor holds nothing of it afterwards: neither its page tables nor its GDT. Before a vcpu or its roots go away.
// It must not run anywhere.
void evict_vcpu(Vcpu& vcpu);

void load_debug_registers(Vcpu& vcpu);
void load_fpu_state(Vcpu& vcpu);  // fpu_area, xcr0 and ts have been rewritten

// What a fresh fpu_area must hold (FCW 0x37f, MXCSR 0x1f80, nothing else); `page` is the zeroed page.
void init_fpu_area(void* page);

// A port of the machine, 1, 2 or 4 bytes wide.
u32 port_in(u16 port, unsigned width);
void port_out(u16 port, unsigned width, u32 value);

// CPUID as the processor answers it.
struct CpuidResult {
    u32 eax, ebx, ecx, edx;
};
CpuidResult native_cpuid(u32 leaf, u32 subleaf);

// The XSAVE state components the core switches, and so a guest may turn on; 0 without XSAVE.
u64 switchable_xcr0();

u64 read_tsc();
void write_back_caches();

}  // namespace hospes
