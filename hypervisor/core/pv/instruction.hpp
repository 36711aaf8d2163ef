// SPDX-License-Identifier: Apache-2.0
// A decoder for the few instructions that a PV guest's kernel executes and the core must do for it, in 64-bit mode
// (SDM vol. 2, chapter 2 and appendix A): privileged ones, port I/O, and those that write a page-table entry.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/x86/guest_regs.hpp"

#include <array>

namespace hospes {

class Vcpu;

inline constexpr unsigned kMaxInstructionBytes = 15;

struct Instruction {
    u8 length = 0;
    bool two_byte = false;  // opcode comes after 0f
    u8 opcode = 0;
    u8 rex = 0;              // 0: none
    bool operand16 = false;  // prefix 66
    bool address32 = false;  // prefix 67
    bool lock = false;
    bool repeats = false;  // prefix f2 or f3
    u8 segment = 0;        // 0x64 or 0x65 when FS or GS is named
    u8 mod = 0;            // of ModRM; reg and rm with the bits of REX
    u8 reg = 0;
    u8 rm = 0;
    u64 immediate = 0;  // sign-extended

    bool has_memory_operand() const { return mod != 3; }
    bool wide() const { return (rex & 8) != 0; }
    // Operand bytes of an opcode whose lowest bit tells byte from word: 1, 2, 4 or 8.
    unsigned operand_bytes(bool byte_form) const { return byte_form ? 1 : wide() ? 8 : operand16 ? 2 : 4; }
};

// Decodes the instruction that `bytes` begins with. Errno::invalid: not one of those above, or cut off.
Result<Instruction> decode_instruction(u8 const* bytes, usize count);

// Reads and decodes the instruction at the vcpu's RIP. Errno::fault: its bytes cannot be read.
Result<Instruction> fetch_instruction(Vcpu& vcpu);

// The general register `number` (0 RAX ... 15 R15, the encoding of ModRM).
u64& general_register(GuestRegs& regs, unsigned number);

// Reads or writes the low `bytes` of a register operand, as an instruction of this width does: 32 bits clear the upper half, and without
// REX the byte registers 4 to 7 are AH CH DH BH.
u64 read_register(GuestRegs& regs, Instruction const& instruction, unsigned number, unsigned bytes);
void write_register(GuestRegs& regs, Instruction const& instruction, unsigned number, unsigned bytes, u64 value);

}  // namespace hospes
