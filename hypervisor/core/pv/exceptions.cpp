// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/exceptions.hpp"

#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/pv/bounce.hpp"
#include "hypervisor/core/pv/control_registers.hpp"
#include "hypervisor/core/pv/privileged.hpp"
#include "hypervisor/core/pv/table_write.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

constexpr u8 kIntOpcode = 0xcd;
constexpr u64 kIntBytes = 2;
constexpr u64 kBreakpointBytes = 1;

template <typename Emulate, typename... Args>
bool with_core_lock(Emulate emulate, Args&... args) {
    CoreGuard const guard;
    return emulate(args...);
}

bool may_raise(Vcpu const& vcpu, u8 vector) {
    TrapHandler const& handler = vcpu.pv.traps[vector];
    return handler.address != 0 && handler.dpl >= (vcpu.pv.in_kernel ? 1 : 3);
}

u32 idt_error(u8 vector) { return u32{vector} << 3 | kSelectorErrorIdt; }

// INT n through one of the core's closed gates. The vector is read from the instruction: QEMU's error code is n*16+2 for some gates.
bool emulate_int(Vcpu& vcpu) {
    u8 bytes[kIntBytes];
    if (!copy_from_guest(bytes, GuestAddress{vcpu.regs.rip}, sizeof bytes) || bytes[0] != kIntOpcode) return false;
    u8 const vector = bytes[1];
    if (!may_raise(vcpu, vector)) {
        deliver_exception(vcpu, kVectorProtection, idt_error(vector));
        return true;
    }
    vcpu.regs.rip += kIntBytes;
    deliver_software_interrupt(vcpu, vector);
    return true;
}

void handle_protection_fault(Vcpu& vcpu, u32 error_code) {
    if ((error_code & kSelectorErrorIdt) != 0 && emulate_int(vcpu)) return;
    if (error_code == 0 && with_core_lock(emulate_privileged, vcpu)) return;
    deliver_exception(vcpu, kVectorProtection, error_code);
}

// A selector named a page of the GDT or LDT that the guest has not given: the processor reports a page fault in our window, the guest
// is told what a table of the right size would have told it.
bool selector_error_of(u64 address, u32& error_code) {
    if (address < kPcpuAreaBase || address >= kPcpuAreaBase + (u64{1} << 39)) return false;
    u64 const offset = (address - kPcpuAreaBase) % kPcpuAreaStride;
    constexpr u64 kWindowBytes = u64{16} << kPageShift;
    constexpr u32 kTableIndicator = 4;
    if (offset >= kAreaGdt && offset < kAreaGdt + kWindowBytes)
        error_code = static_cast<u32>(offset - kAreaGdt) & ~7u;
    else if (offset >= kAreaLdt && offset < kAreaLdt + kWindowBytes)
        error_code = (static_cast<u32>(offset - kAreaLdt) & ~7u) | kTableIndicator;
    else
        return false;
    return true;
}

void handle_page_fault(Vcpu& vcpu, Fault const& fault) {
    u32 selector_error = 0;
    bool const by_processor = (fault.error_code & kPageFaultUser) == 0;  // an implicit access: descriptor tables
    if (by_processor && selector_error_of(fault.cr2, selector_error)) {
        deliver_exception(vcpu, kVectorProtection, selector_error);
        return;
    }
    constexpr u32 kRelevant = kPageFaultPresent | kPageFaultWrite | kPageFaultReserved | kPageFaultFetch;
    bool const writes_read_only = (fault.error_code & kRelevant) == (kPageFaultPresent | kPageFaultWrite);
    if (writes_read_only && vcpu.pv.in_kernel && is_guest_range(GuestAddress{fault.cr2}, 8) &&
        with_core_lock(emulate_table_write, vcpu, fault))
        return;
    deliver_page_fault(vcpu, fault.cr2, fault.error_code);
}

void handle_debug(Vcpu& vcpu, u64 dr6) {
    constexpr u64 kEvents = 0xe00f;  // what happened; the rest is constant
    vcpu.pv.debug_registers[6] |= dr6 & kEvents;
    deliver_exception(vcpu, kVectorDebug, 0);
}

// INT3 and INTO come through gates that are open to all; the guest's own table may be stricter.
void handle_trap_instruction(Vcpu& vcpu, u8 vector) {
    if (may_raise(vcpu, vector)) {
        deliver_exception(vcpu, vector, 0);
        return;
    }
    vcpu.regs.rip -= kBreakpointBytes;
    deliver_exception(vcpu, kVectorProtection, idt_error(vector));
}

}  // namespace

void handle_exception(Vcpu& vcpu, Fault const& fault) {
    switch (fault.vector) {
        case kVectorDebug: handle_debug(vcpu, fault.dr6); return;
        case kVectorBreakpoint:
        case kVectorOverflow: handle_trap_instruction(vcpu, fault.vector); return;
        case kVectorInvalidOpcode:
            if (!emulate_forced_cpuid(vcpu)) deliver_exception(vcpu, fault.vector, 0);
            return;
        case kVectorNoFpu:
            set_task_switched(vcpu, false);
            deliver_exception(vcpu, fault.vector, 0);
            return;
        case kVectorProtection: handle_protection_fault(vcpu, fault.error_code); return;
        case kVectorPageFault: handle_page_fault(vcpu, fault); return;
        default: deliver_exception(vcpu, fault.vector, fault.error_code); return;
    }
}

void handle_software_interrupt(Vcpu& vcpu, u8 vector) {
    if (may_raise(vcpu, vector)) {
        deliver_software_interrupt(vcpu, vector);
        return;
    }
    vcpu.regs.rip -= kIntBytes;
    deliver_exception(vcpu, kVectorProtection, idt_error(vector));
}

void handle_virtual_8086(Vcpu& vcpu) {
    constexpr u64 kRpl = 3;
    vcpu.regs.cs |= kRpl;
    vcpu.regs.ss |= kRpl;
    vcpu.regs.rflags &= ~kRflagsVm;
    deliver_exception(vcpu, kVectorProtection, 0);
}

void handle_return_fault(Vcpu& vcpu, Fault const& fault) {
    vcpu.regs.vector = kEntryNone;
    u32 selector_error = 0;
    if (fault.vector == kVectorPageFault && selector_error_of(fault.cr2, selector_error)) {
        deliver_exception(vcpu, kVectorProtection, selector_error);
        return;
    }
    deliver_exception(vcpu, fault.vector, fault.error_code);
}

}  // namespace hospes
