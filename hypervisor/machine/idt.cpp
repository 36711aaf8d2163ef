// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/idt.hpp"

#include "hypervisor/machine/entry.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {
namespace {

struct Gate {
    u64 low;
    u64 high;
};

constexpr unsigned kVectors = 256;
alignas(16) constinit Gate idt[kVectors];

constexpr Gate interrupt_gate(u64 address, unsigned dpl, IstStack stack) {
    constexpr u64 kTypeInterruptGate = 0xe;
    u64 const low = (address & 0xffff) | u64{kCoreCs} << 16 | static_cast<u64>(stack) << 32 | kTypeInterruptGate << 40 | u64{dpl} << 45 |
                    kDescriptorPresent | (address >> 16 & 0xffff) << 48;
    return {low, address >> 32};
}

constexpr IstStack stack_of(unsigned vector) {
    switch (vector) {
        case kVectorDebug: return IstStack::debug;
        case kVectorNmi: return IstStack::nmi;
        case kVectorDoubleFault: return IstStack::double_fault;
        case kVectorMachineCheck: return IstStack::machine_check;
        default: return IstStack::none;
    }
}

}  // namespace

void build_idt() {
    for (unsigned vector = 0; vector < kVectors; ++vector) {
        bool const guest_may_raise = vector == kVectorBreakpoint || vector == kVectorOverflow || vector == kVectorLinuxInt80;
        u64 const stub = reinterpret_cast<u64>(vector_stubs) + vector * kVectorStubBytes;
        idt[vector] = interrupt_gate(stub, guest_may_raise ? 3 : 0, stack_of(vector));
    }
}

void load_idt_register() { load_idt({sizeof idt - 1, reinterpret_cast<u64>(idt)}); }

}  // namespace hospes
