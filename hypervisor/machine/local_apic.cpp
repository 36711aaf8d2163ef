// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/local_apic.hpp"

#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
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
constexpr u32 kHasX2Apic = 1u << 21;  // CPUID leaf 1, ECX
constexpr u32 kCommandBusy = 1u << 12;

u64 apic_base = 0;
constinit bool is_x2apic = false;  // the same on all processors

u32 volatile& mapped_register(u32 offset) { return *machine_pointer<u32 volatile>(MachineAddress{apic_base + offset}); }

// In x2APIC mode each register is an MSR, at a sixteenth of its offset (SDM vol. 3, 11.12.1.2).
u32 read_register(u32 offset) { return is_x2apic ? static_cast<u32>(rdmsr(kMsrX2Apic + offset / 16)) : mapped_register(offset); }
void write_register(u32 offset, u32 value) {
    if (is_x2apic) {
        wrmsr(kMsrX2Apic + offset / 16, value);
    } else {
        mapped_register(offset) = value;
    }
}

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

// In x2APIC mode the command is one MSR, and its write may pass older stores, which the target is to see (SDM vol. 3, 11.12.3).
void send_command(ApicId target, u32 command) {
    if (is_x2apic) {
        asm volatile("mfence; lfence" : : : "memory");
        wrmsr(kMsrX2Apic + kRegisterCommandLow / 16, u64{target.raw()} << 32 | command);
        return;
    }
    while ((mapped_register(kRegisterCommandLow) & kCommandBusy) != 0) __builtin_ia32_pause();
    mapped_register(kRegisterCommandHigh) = target.raw() << 24;
    mapped_register(kRegisterCommandLow) = command;
}

void handle_spurious(Vector) {}  // is not to be acknowledged

void handle_error(Vector) {
    write_register(kRegisterErrorStatus, 0);
    HV_WARN("local APIC error status 0x%x", read_register(kRegisterErrorStatus));
    end_of_interrupt();
}

}  // namespace

bool can_use_x2apic() { return (native_cpuid(1, 0).ecx & kHasX2Apic) != 0; }

// A processor leaves x2APIC mode only by being switched off: where the firmware has chosen it, it stays.
void init_local_apic(bool is_boot_pcpu, bool needs_x2apic) {
    u64 const base = rdmsr(kMsrApicBase);
    if (is_boot_pcpu) is_x2apic = (base & kX2ApicEnable) != 0 || (needs_x2apic && can_use_x2apic());
    apic_base = base & 0x000f'ffff'ffff'f000;
    wrmsr(kMsrApicBase, base | kApicGlobalEnable);
    if (is_x2apic) wrmsr(kMsrApicBase, base | kApicGlobalEnable | kX2ApicEnable);
    if (is_boot_pcpu) {
        silence_legacy_controllers();
        register_vector(kSpuriousVector, handle_spurious);
        register_vector(kErrorVector, handle_error);
        if (is_x2apic) HV_INFO("the local APICs are in x2APIC mode");
    }
    write_register(kRegisterTaskPriority, 0);
    write_register(kRegisterTimer, kMasked);
    write_register(kRegisterThermal, kMasked);
    write_register(kRegisterCounters, kMasked);
    write_register(kRegisterLint0, kMasked);
    write_register(kRegisterLint1, kDeliverNmi);
    write_register(kRegisterError, kErrorVector.raw());
    write_register(kRegisterDivide, kDivideBy16);
    write_register(kRegisterSpurious, kSoftwareEnable | kSpuriousVector.raw());
    write_register(kRegisterTimer, kTimerVector.raw());
}

ApicId local_apic_id() {
    u32 const id = read_register(kRegisterId);
    return ApicId{is_x2apic ? id : id >> 24};
}

void end_of_interrupt() { write_register(kRegisterEoi, 0); }

void send_ipi(ApicId target, Vector vector) { send_command(target, vector.raw()); }

void send_init(ApicId target) { send_command(target, kDeliverInit | kCommandAssert); }

void send_start_up(ApicId target, u8 page) { send_command(target, kDeliverStartUp | kCommandAssert | page); }

bool can_reach(ApicId target) { return is_x2apic || target.raw() <= kMostApicId; }

void start_apic_timer(u32 ticks) { write_register(kRegisterInitialCount, ticks); }

u32 apic_timer_left() { return read_register(kRegisterCurrentCount); }

}  // namespace hospes
