// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/fpu.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/machine/cpu_features.hpp"
#include "hypervisor/machine/fixups.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

// Offsets in the legacy area (SDM vol. 1, 10.5.1).
constexpr usize kFcwOffset = 0;
constexpr usize kMxcsrOffset = 24;

u32 low(u64 value) { return static_cast<u32>(value); }
u32 high(u64 value) { return static_cast<u32>(value >> 32); }

// Where the last x87 instruction and its operand were, of whoever ran before, gives way to this function's own. An exception that is pending
// would be raised by the load, and a full register stack make it one.
void overwrite_x87_pointers() {
    static constinit u32 const operand = 0;
    asm volatile("fnclex\n\tffree %%st(7)\n\tfildl %0" : : "m"(operand));
}

// False when the area is not a state that the processor takes (reserved bits of MXCSR or of the header).
bool restore(void const* area, u64 components) {
    u32 failed = 0;
    if (cpu_features.xsave) {
        asm volatile("1: xrstor64 (%[area])\n2:\n" HV_FIXUP("1b", "3f")
                     ".pushsection .text.fixup, \"ax\", @progbits\n"
                     "3: mov $1, %[failed]\n   jmp 2b\n"
                     ".popsection\n"
                     : [failed] "+r"(failed)
                     : [area] "r"(area), "a"(low(components)), "d"(high(components))
                     : "memory");
    } else {
        asm volatile("1: fxrstor64 (%[area])\n2:\n" HV_FIXUP("1b", "3f")
                     ".pushsection .text.fixup, \"ax\", @progbits\n"
                     "3: mov $1, %[failed]\n   jmp 2b\n"
                     ".popsection\n"
                     : [failed] "+r"(failed)
                     : [area] "r"(area)
                     : "memory");
    }
    return failed == 0;
}

}  // namespace

void init_fpu_area(void* page) {
    u8* const area = static_cast<u8*>(page);
    __builtin_memcpy(area + kFcwOffset, &kFcwDefault, sizeof kFcwDefault);
    __builtin_memcpy(area + kMxcsrOffset, &kMxcsrDefault, sizeof kMxcsrDefault);
}

void save_fpu(Vcpu& vcpu) {
    HV_ASSERT(vcpu.pv.fpu_area != nullptr);
    clear_ts();
    if (!cpu_features.xsave) {
        asm volatile("fxsave64 (%0)" : : "r"(vcpu.pv.fpu_area) : "memory");
        return;
    }
    if (vcpu.pv.xcr0 != cpu_features.xcr0) write_xcr0(cpu_features.xcr0);
    asm volatile("xsave64 (%0)" : : "r"(vcpu.pv.fpu_area), "a"(low(cpu_features.xcr0)), "d"(high(cpu_features.xcr0)) : "memory");
}

void load_fpu(Vcpu const& vcpu) {
    HV_ASSERT(vcpu.pv.fpu_area != nullptr);
    clear_ts();
    if (cpu_features.xsave) write_xcr0(cpu_features.xcr0);
    if (cpu_features.keeps_x87_pointers) overwrite_x87_pointers();
    if (!restore(vcpu.pv.fpu_area, cpu_features.xcr0)) {
        HV_WARN("a vcpu's FPU state is malformed: it starts with a fresh one");
        __builtin_memset(vcpu.pv.fpu_area, 0, kPageSize);
        init_fpu_area(vcpu.pv.fpu_area);
        if (!restore(vcpu.pv.fpu_area, cpu_features.xcr0)) HV_PANIC("the processor refuses a fresh FPU state");
    }
    if (cpu_features.xsave && vcpu.pv.xcr0 != cpu_features.xcr0) write_xcr0(vcpu.pv.xcr0);
    if (vcpu.pv.ts) write_cr0(read_cr0() | kCr0Ts);
}

}  // namespace hospes
