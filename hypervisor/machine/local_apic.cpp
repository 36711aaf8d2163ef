// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/local_apic.hpp"

#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

constexpr u32 kRegisterId = 0x020;
constexpr u32 kRegisterTaskPriority = 0x080;
constexpr u32 kRegisterEoi = 0x0b0;
constexpr u32 kRegisterSpurious = 0x0f0;
constexpr u32 kRegisterErrorStatus = 0x280;
constexpr u32 kRegisterCommandLow = 0x300;
constexpr u32 kRegisterCommandHigh = 0x310;
constexpr u32 kRegisterTimer = 0x320;
constexpr u32 kRegisterThermal = 0x330;
constexpr u32 kRegisterCounters = 0x340;
constexpr u32 kRegisterLint0 = 0x350;
constexpr u32 kRegisterLint1 = 0x360;
constexpr u32 kRegisterError = 0x370;
constexpr u32 kRegisterInitialCount = 0x380;
constexpr u32 kRegisterCurrentCount = 0x390;
constexpr u32 kRegisterDivide = 0x3e0;

constexpr u32 kMasked = 1u << 16;
constexpr u32 kDeliverNmi = 4u << 8;
constexpr u32 kDeliverInit = 5u << 8;
constexpr u32 kDeliverStartUp = 6u << 8;
constexpr u32 kCommandAssert = 1u << 14;
constexpr u32 kSoftwareEnable = 1u << 8;
constexpr u32 kDivideBy16 = 3;
constexpr u64 kApicGlobalEnable = 1u << 11;
constexpr u64 kX2ApicEnable = 1u << 10;
constexpr u32 kCommandBusy = 1u << 12;

u64 apic_base = 0;

u32 volatile& apic_register(u32 offset) { return *machine_pointer<u32 volatile>(MachineAddress{apic_base + offset}); }

// The 8259s go to vectors where a stray interrupt is recognised, and are masked for good.
void silence_legacy_controllers() {
    constexpr u16 kMaster = 0x20;
    constexpr u16 kSlave = 0xa0;
    outb(kMaster, 0x11);
    outb(kSlave, 0x11);
    outb(kMaster + 1, 0x20);
    outb(kSlave + 1, 0x28);
    outb(kMaster + 1, 4);
    outb(kSlave + 1, 2);
    outb(kMaster + 1, 1);
    outb(kSlave + 1, 1);
    outb(kMaster + 1, 0xff);
    outb(kSlave + 1, 0xff);
}

void send_command(ApicId target, u32 command) {
    while ((apic_register(kRegisterCommandLow) & kCommandBusy) != 0) __builtin_ia32_pause();
    apic_register(kRegisterCommandHigh) = target.raw() << 24;
    apic_register(kRegisterCommandLow) = command;
}

void handle_spurious(Vector) {}  // is not to be acknowledged

void handle_error(Vector) {
    apic_register(kRegisterErrorStatus) = 0;
    HV_WARN("local APIC error status 0x%x", apic_register(kRegisterErrorStatus));
    end_of_interrupt();
}

}  // namespace

void init_local_apic(bool is_boot_pcpu) {
    u64 const base = rdmsr(kMsrApicBase);
    apic_base = base & 0x000f'ffff'ffff'f000;
    wrmsr(kMsrApicBase, (base & ~kX2ApicEnable) | kApicGlobalEnable);
    if (is_boot_pcpu) {
        silence_legacy_controllers();
        register_vector(kSpuriousVector, handle_spurious);
        register_vector(kErrorVector, handle_error);
    }
    apic_register(kRegisterTaskPriority) = 0;
    apic_register(kRegisterTimer) = kMasked;
    apic_register(kRegisterThermal) = kMasked;
    apic_register(kRegisterCounters) = kMasked;
    apic_register(kRegisterLint0) = kMasked;
    apic_register(kRegisterLint1) = kDeliverNmi;
    apic_register(kRegisterError) = kErrorVector.raw();
    apic_register(kRegisterDivide) = kDivideBy16;
    apic_register(kRegisterSpurious) = kSoftwareEnable | kSpuriousVector.raw();
    apic_register(kRegisterTimer) = kTimerVector.raw();
}

ApicId local_apic_id() { return ApicId{apic_register(kRegisterId) >> 24}; }

void end_of_interrupt() { apic_register(kRegisterEoi) = 0; }

void send_ipi(ApicId target, Vector vector) { send_command(target, vector.raw()); }

void send_init(ApicId target) { send_command(target, kDeliverInit | kCommandAssert); }

void send_start_up(ApicId target, u8 page) { send_command(target, kDeliverStartUp | kCommandAssert | page); }

void start_apic_timer(u32 ticks) { apic_register(kRegisterInitialCount) = ticks; }

u32 apic_timer_left() { return apic_register(kRegisterCurrentCount); }

}  // namespace hospes
