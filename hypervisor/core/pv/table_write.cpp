// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/table_write.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/core/pv/instruction.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

constexpr u64 kCarry = 1u << 0;
constexpr u64 kParity = 1u << 2;
constexpr u64 kZero = 1u << 6;
constexpr u64 kSign = 1u << 7;
constexpr u64 kOverflow = 1u << 11;

// What an instruction makes of the field it addresses, besides storing `value`.
struct Effect {
    u64 value = 0;
    bool writes = true;       // false: a CMPXCHG that did not match
    int result_register = -1;  // gets the old value of the field
    u64 flags_changed = 0;
    u64 flags = 0;
};

u64 mask_of(unsigned bytes) { return bytes == 8 ? ~u64{0} : (u64{1} << 8 * bytes) - 1; }

u64 logic_flags(u64 value, unsigned bytes) {
    u64 flags = 0;
    if (value == 0) flags |= kZero;
    if ((value >> (8 * bytes - 1) & 1) != 0) flags |= kSign;
    if ((__builtin_popcountll(value & 0xff) & 1) == 0) flags |= kParity;
    return flags;
}

Effect logic_effect(u64 value, unsigned bytes) {
    Effect effect;
    effect.value = value & mask_of(bytes);
    effect.flags_changed = kCarry | kOverflow | kZero | kSign | kParity;
    effect.flags = logic_flags(effect.value, bytes);
    return effect;
}

// `which`: the operation's number in group 1 and in the opcodes: 1 OR, 4 AND, 6 XOR.
Result<Effect> logic(unsigned which, u64 old, u64 operand, unsigned bytes) {
    switch (which) {
        case 1: return logic_effect(old | operand, bytes);
        case 4: return logic_effect(old & operand, bytes);
        case 6: return logic_effect(old ^ operand, bytes);
        default: return Errno::invalid;
    }
}

// `which`: number in group 8: 5 BTS, 6 BTR, 7 BTC.
Result<Effect> bit_test(unsigned which, u64 old, u64 bit_number, unsigned bytes) {
    u64 const bit = u64{1} << (bit_number & (8 * bytes - 1));
    Effect effect;
    effect.flags_changed = kCarry;
    effect.flags = (old & bit) != 0 ? kCarry : 0;
    switch (which) {
        case 5: effect.value = old | bit; return effect;
        case 6: effect.value = old & ~bit; return effect;
        case 7: effect.value = old ^ bit; return effect;
        default: return Errno::invalid;
    }
}

Effect compare_exchange(GuestRegs& regs, Instruction const& instruction, u64 old, u64 replacement, unsigned bytes) {
    u64 const expected = read_register(regs, instruction, 0, bytes);
    u64 const difference = (expected - old) & mask_of(bytes);
    Effect effect;
    effect.flags_changed = kCarry | kOverflow | kZero | kSign | kParity;
    effect.flags = logic_flags(difference, bytes) | (expected < old ? kCarry : 0);
    if (((expected ^ old) & (expected ^ difference)) >> (8 * bytes - 1) & 1) effect.flags |= kOverflow;
    effect.value = replacement;
    effect.writes = difference == 0;
    if (!effect.writes) effect.result_register = 0;
    return effect;
}

unsigned field_bytes(Instruction const& i) {
    bool const is_bit_test = i.two_byte && i.opcode != 0xb0 && i.opcode != 0xb1;
    return i.operand_bytes(!is_bit_test && i.opcode != 0x83 && (i.opcode & 1) == 0);
}

// The effect of `i` on a field that holds `old`. Errno::invalid: not an instruction that Linux changes entries with.
Result<Effect> effect_of(GuestRegs& regs, Instruction const& i, u64 old, unsigned bytes) {
    u64 const source = read_register(regs, i, i.reg, bytes);
    u64 const immediate = i.immediate & mask_of(bytes);
    Effect move;
    if (i.two_byte) {
        switch (i.opcode) {
            case 0xb0:
            case 0xb1: return compare_exchange(regs, i, old, source, bytes);
            case 0xab: return bit_test(5, old, source, bytes);
            case 0xb3: return bit_test(6, old, source, bytes);
            case 0xbb: return bit_test(7, old, source, bytes);
            case 0xba: return bit_test(i.reg & 7, old, immediate, bytes);
            default: return Errno::invalid;
        }
    }
    switch (i.opcode) {
        case 0x88:
        case 0x89: move.value = source; return move;
        case 0xc6:
        case 0xc7:
            if ((i.reg & 7) != 0) return Errno::invalid;
            move.value = immediate;
            return move;
        case 0x86:
        case 0x87:
            move.value = source;
            move.result_register = i.reg;
            return move;
        case 0x80:
        case 0x81:
        case 0x83: return logic(i.reg & 7, old, immediate, bytes);
        case 0x08:
        case 0x09:
        case 0x20:
        case 0x21:
        case 0x30:
        case 0x31: return logic(i.opcode >> 3, old, source, bytes);
        default: return Errno::invalid;
    }
}

}  // namespace

bool emulate_table_write(Vcpu& vcpu, Fault const& fault) {
    Result<Instruction> const fetched = fetch_instruction(vcpu);
    if (!fetched || !fetched.value().has_memory_operand()) return false;
    Instruction const& instruction = fetched.value();
    unsigned const bytes = field_bytes(instruction);
    if (fault.cr2 % bytes != 0) return false;

    GuestAddress const entry_va{fault.cr2 & ~u64{7}};
    unsigned const shift = 8 * static_cast<unsigned>(fault.cr2 & 7);
    u64 old_entry = 0;
    if (!copy_from_guest(&old_entry, entry_va, sizeof old_entry)) return false;
    u64 const old_field = old_entry >> shift & mask_of(bytes);
    Result<Effect> const result = effect_of(vcpu.regs, instruction, old_field, bytes);
    if (!result) return false;
    Effect const& effect = result.value();

    u64 const field_mask = mask_of(bytes) << shift;
    u64 const new_entry = effect.writes ? (old_entry & ~field_mask) | (effect.value << shift & field_mask) : old_entry;
    Status const written = emulate_pt_write(vcpu, entry_va, old_entry, new_entry);
    if (!written) return written.error() == Errno::again || written.error() == Errno::restart;  // the guest executes it again

    GuestRegs& regs = vcpu.regs;
    if (effect.result_register >= 0)
        write_register(regs, instruction, static_cast<unsigned>(effect.result_register), bytes, old_field);
    regs.rflags = (regs.rflags & ~effect.flags_changed) | effect.flags;
    regs.rip += instruction.length;
    return true;
}

}  // namespace hospes
