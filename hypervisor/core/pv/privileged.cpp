// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/privileged.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/pv/control_registers.hpp"
#include "hypervisor/core/pv/cpuid_policy.hpp"
#include "hypervisor/core/pv/instruction.hpp"
#include "hypervisor/core/pv/msr_policy.hpp"
#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/core/pv/string_io.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

u64 join(u64 high, u64 low) { return (high & 0xffff'ffff) << 32 | (low & 0xffff'ffff); }

bool read_msr(Vcpu& vcpu) {
    GuestRegs& regs = vcpu.regs;
    Result<u64> const value = read_guest_msr(vcpu, static_cast<u32>(regs.rcx));
    if (!value) return false;
    regs.rax = value.value() & 0xffff'ffff;
    regs.rdx = value.value() >> 32;
    return true;
}

bool write_msr(Vcpu& vcpu) {
    GuestRegs const& regs = vcpu.regs;
    return write_guest_msr(vcpu, static_cast<u32>(regs.rcx), join(regs.rdx, regs.rax)).ok();
}

bool set_extended_control(Vcpu& vcpu, Instruction const& instruction) {
    bool const is_xsetbv = instruction.mod == 3 && (instruction.reg & 7) == 2 && (instruction.rm & 7) == 1;
    GuestRegs const& regs = vcpu.regs;
    if (!is_xsetbv || static_cast<u32>(regs.rcx) != 0) return false;
    return set_guest_xcr0(vcpu, join(regs.rdx, regs.rax)).ok();
}

// MOV between a general and a control (0f 20, 22) or debug register (21, 23).
bool move_special(Vcpu& vcpu, Instruction const& instruction) {
    bool const is_debug = (instruction.opcode & 1) != 0;
    bool const is_write = (instruction.opcode & 2) != 0;
    u64& general = general_register(vcpu.regs, instruction.rm);
    if (is_write)
        return (is_debug ? write_debug_register(vcpu, instruction.reg, general) : write_control_register(vcpu, instruction.reg, general)).ok();
    Result<u64> const value = is_debug ? read_debug_register(vcpu, instruction.reg) : read_control_register(vcpu, instruction.reg);
    if (value) general = value.value();
    return value.ok();
}

bool emulate_system(Vcpu& vcpu, Instruction const& instruction) {
    switch (instruction.opcode) {
        case 0x01: return set_extended_control(vcpu, instruction);
        case 0x06: set_task_switched(vcpu, false); return true;
        case 0x09:  // WBINVD: a domain without devices has nothing that it could matter to
            if (vcpu.domain().is_hardware_domain()) write_back_caches();
            return true;
        case 0x20:
        case 0x21:
        case 0x22:
        case 0x23: return move_special(vcpu, instruction);
        case 0x30: return write_msr(vcpu);
        case 0x32: return read_msr(vcpu);
        default: return false;
    }
}

bool is_port_instruction(Instruction const& instruction) {
    u8 const opcode = instruction.opcode;
    return !instruction.two_byte && ((opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xe4 && opcode <= 0xe7) || opcode >= 0xec) && opcode <= 0xef;
}

unsigned port_width(Instruction const& instruction) {
    if ((instruction.opcode & 1) == 0) return 1;
    return instruction.operand16 ? 2 : 4;
}

// IN (e4 e5 ec ed) and OUT (e6 e7 ee ef): bit 1 is the direction, bit 3 takes the port from DX.
void emulate_in_out(Vcpu& vcpu, Instruction const& instruction) {
    GuestRegs& regs = vcpu.regs;
    unsigned const width = port_width(instruction);
    u16 const port = (instruction.opcode & 8) != 0 ? static_cast<u16>(regs.rdx) : static_cast<u16>(instruction.immediate & 0xff);
    if ((instruction.opcode & 2) != 0)
        write_port(vcpu, port, width, static_cast<u32>(regs.rax));
    else
        write_register(regs, instruction, 0, width, read_port(vcpu, port, width));
}

}  // namespace

bool emulate_privileged(Vcpu& vcpu) {
    Result<Instruction> const fetched = fetch_instruction(vcpu);
    if (!fetched) return false;
    Instruction const& instruction = fetched.value();
    bool const is_cli_or_sti = !instruction.two_byte && (instruction.opcode == 0xfa || instruction.opcode == 0xfb);
    if (instruction.lock) return false;
    if (is_cli_or_sti) {
        if (!may_use_ports(vcpu)) return false;  // and otherwise without effect: events are masked by the upcall mask
    } else if (is_port_instruction(instruction)) {
        if (!may_use_ports(vcpu)) return false;
        if (instruction.opcode < 0x70) return emulate_string_io(vcpu, instruction, port_width(instruction));
        emulate_in_out(vcpu, instruction);
    } else {
        if (!instruction.two_byte || !vcpu.pv.in_kernel || !emulate_system(vcpu, instruction)) return false;
    }
    vcpu.regs.rip += instruction.length;
    return true;
}

bool emulate_forced_cpuid(Vcpu& vcpu) {
    constexpr u8 kForced[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
    u8 bytes[sizeof kForced];
    if (!copy_from_guest(bytes, GuestAddress{vcpu.regs.rip}, sizeof bytes)) return false;
    for (unsigned i = 0; i < sizeof bytes; ++i)
        if (bytes[i] != kForced[i]) return false;
    GuestRegs& regs = vcpu.regs;
    CpuidContext const context{.vcpu = vcpu.id().raw(), .xcr0 = vcpu.pv.xcr0};
    CpuidResult const result = guest_cpuid(context, static_cast<u32>(regs.rax), static_cast<u32>(regs.rcx));
    regs.rax = result.eax;
    regs.rbx = result.ebx;
    regs.rcx = result.ecx;
    regs.rdx = result.edx;
    regs.rip += sizeof kForced;
    return true;
}

}  // namespace hospes
