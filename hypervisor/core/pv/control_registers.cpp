// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/control_registers.hpp"

#include "hypervisor/base/masked_index.hpp"
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/x86/layout.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

constexpr u64 kGuestCr0 = kCr0Pg | kCr0Am | kCr0Wp | kCr0Ne | kCr0Et | kCr0Mp | kCr0Pe;
constexpr u64 kGuestCr4Fixed = kCr4Pae | kCr4Mce | kCr4OsFxsr | kCr4OsXmmExcpt;
constexpr u64 kGuestCr4Own = kCr4De;  // TSD would cost a trap for each time stamp, FSGSBASE one a context switch: both stay off

constexpr u64 kDr6Fixed = 0xffff'0ff0;
constexpr u64 kDr6Writable = 0xe00f;
constexpr u64 kDr7Fixed = 0x400;
constexpr u64 kDr7GeneralDetect = 0x2000;
constexpr u64 kDr7Reserved = 0xd800;

bool watches_ports(u64 dr7) {
    constexpr unsigned kTypePort = 2;
    for (unsigned i = 0; i < 4; ++i)
        if ((dr7 >> (16 + 4 * i) & 3) == kTypePort) return true;
    return false;
}

}  // namespace

Result<u64> read_control_register(Vcpu& vcpu, unsigned number) {
    switch (number) {
        case 0: return kGuestCr0 | (vcpu.pv.ts ? kCr0Ts : 0);
        case 2: return vcpu.info != nullptr ? u64{__atomic_load_n(&vcpu.info->arch.cr2, __ATOMIC_RELAXED)} : 0;
        case 3: return vcpu.pv.kernel_root.raw() << kPageShift;
        case 4: return kGuestCr4Fixed | (switchable_xcr0() != 0 ? kCr4OsXsave : 0) | (vcpu.pv.cr4 & kGuestCr4Own);
        default: return Errno::invalid;
    }
}

Status write_control_register(Vcpu& vcpu, unsigned number, u64 value) {
    switch (number) {
        case 0: set_task_switched(vcpu, (value & kCr0Ts) != 0); return {};
        case 4: vcpu.pv.cr4 = value & kGuestCr4Own; return {};
        default: return Errno::invalid;
    }
}

void set_task_switched(Vcpu& vcpu, bool set) {
    if (vcpu.pv.ts == set) return;
    save_live_state(vcpu);
    vcpu.pv.ts = set;
    load_fpu_state(vcpu);
}

bool is_valid_xcr0(u64 value) {
    if ((value & ~switchable_xcr0()) != 0 || (value & kXcr0X87) == 0) return false;
    if ((value & kXcr0Avx) != 0 && (value & kXcr0Sse) == 0) return false;
    u64 const wide = value & kXcr0Avx512;
    return wide == 0 || (wide == kXcr0Avx512 && (value & kXcr0Avx) != 0);
}

Status set_guest_xcr0(Vcpu& vcpu, u64 value) {
    if (!is_valid_xcr0(value)) return Errno::invalid;
    save_live_state(vcpu);
    vcpu.pv.xcr0 = value;
    load_fpu_state(vcpu);
    return {};
}

bool is_valid_dr7(u64 value) { return (value >> 32) == 0 && (value & kDr7GeneralDetect) == 0 && !watches_ports(value); }

Result<u64> read_debug_register(Vcpu& vcpu, unsigned number) {
    if (number > 7) return Errno::invalid;
    auto const& registers = vcpu.pv.debug_registers;
    return registers[masked_index(number == 4 || number == 5 ? number + 2 : number, registers.size())];
}

Status write_debug_register(Vcpu& vcpu, unsigned number, u64 value) {
    switch (number) {
        case 0:
        case 1:
        case 2:
        case 3:
            if (!is_guest_range(GuestAddress{value}, 8)) return Errno::perm;
            vcpu.pv.debug_registers[number] = value;
            break;
        case 4:
        case 6: vcpu.pv.debug_registers[6] = (value & kDr6Writable) | kDr6Fixed; break;
        case 5:
        case 7:
            if (!is_valid_dr7(value)) return Errno::perm;
            vcpu.pv.debug_registers[7] = (value & ~kDr7Reserved) | kDr7Fixed;
            break;
        default: return Errno::invalid;
    }
    load_debug_registers(vcpu);
    return {};
}

}  // namespace hospes
