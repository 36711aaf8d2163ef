// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/instruction.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

// What follows an opcode.
enum class Form : u8 {
    unknown,
    bare,       // nothing
    imm8,       // a byte
    modrm,      // ModRM (and what belongs to it)
    modrm_imm8,
    modrm_imm,  // an immediate of operand size, at most 4 bytes
};

constexpr Form one_byte_form(u8 opcode) {
    switch (opcode) {
        case 0xfa: case 0xfb:                                   // CLI STI
        case 0xec: case 0xed: case 0xee: case 0xef:             // IN OUT by DX
        case 0x6c: case 0x6d: case 0x6e: case 0x6f:             // INS OUTS
            return Form::bare;
        case 0xe4: case 0xe5: case 0xe6: case 0xe7:             // IN OUT imm8
        case 0xcd:                                              // INT n
            return Form::imm8;
        case 0x88: case 0x89:                                   // MOV r/m, r
        case 0x86: case 0x87:                                   // XCHG
        case 0x08: case 0x09: case 0x20: case 0x21: case 0x30: case 0x31:  // OR AND XOR r/m, r
            return Form::modrm;
        case 0xc6: case 0x80: case 0x83: return Form::modrm_imm8;  // MOV imm8; OR AND XOR imm8
        case 0xc7: case 0x81: return Form::modrm_imm;              // the same, operand size
        default: return Form::unknown;
    }
}

constexpr Form two_byte_form(u8 opcode) {
    switch (opcode) {
        case 0x06: case 0x09:                                   // CLTS WBINVD
        case 0x30: case 0x32:                                   // WRMSR RDMSR
            return Form::bare;
        case 0x01:                                              // group 7: XSETBV is 0f 01 d1
        case 0x20: case 0x21: case 0x22: case 0x23:             // MOV CR, MOV DR
        case 0xb0: case 0xb1:                                   // CMPXCHG
        case 0xab: case 0xb3: case 0xbb:                        // BTS BTR BTC r/m, r
            return Form::modrm;
        case 0xba: return Form::modrm_imm8;                     // BTx r/m, imm8
        default: return Form::unknown;
    }
}

class Reader {
public:
    Reader(u8 const* bytes, usize count) : bytes_{bytes}, count_{count < kMaxInstructionBytes ? count : kMaxInstructionBytes} {}

    bool at_end() const { return at_ >= count_; }
    u8 peek() const { return bytes_[at_]; }
    u8 next() { return bytes_[at_++]; }
    bool skip(usize bytes) {
        at_ += bytes;
        return at_ <= count_;
    }
    // A little-endian number of `bytes` bytes, sign-extended.
    bool signed_number(unsigned bytes, u64& value) {
        if (at_ + bytes > count_) return false;
        u64 raw = 0;
        for (unsigned i = 0; i < bytes; ++i) raw |= u64{bytes_[at_ + i]} << (8 * i);
        at_ += bytes;
        unsigned const unused = 64 - 8 * bytes;
        value = static_cast<u64>(static_cast<i64>(raw << unused) >> unused);
        return true;
    }
    u8 position() const { return static_cast<u8>(at_); }

private:
    u8 const* bytes_;
    usize count_;
    usize at_ = 0;
};

// Legacy prefixes and REX, which must be the last of them.
bool read_prefixes(Reader& reader, Instruction& out) {
    while (!reader.at_end()) {
        u8 const byte = reader.peek();
        switch (byte) {
            case 0x66: out.operand16 = true; break;
            case 0x67: out.address32 = true; break;
            case 0xf0: out.lock = true; break;
            case 0xf2: case 0xf3: out.repeats = true; break;
            case 0x26: case 0x2e: case 0x36: case 0x3e: break;  // without meaning in 64-bit mode
            case 0x64: case 0x65: out.segment = byte; break;
            default:
                if ((byte & 0xf0) != 0x40) return true;
                out.rex = reader.next();
                return !reader.at_end();
        }
        reader.next();
    }
    return false;
}

bool read_modrm(Reader& reader, Instruction& out) {
    if (reader.at_end()) return false;
    u8 const modrm = reader.next();
    out.mod = modrm >> 6;
    out.reg = static_cast<u8>((modrm >> 3 & 7) | (out.rex & 4) << 1);
    u8 const low_rm = modrm & 7;
    out.rm = static_cast<u8>(low_rm | (out.rex & 1) << 3);
    if (out.mod == 3) return true;
    bool displaced_by_base = false;
    if (low_rm == 4) {  // SIB
        if (reader.at_end()) return false;
        displaced_by_base = (reader.next() & 7) == 5 && out.mod == 0;
    }
    if (out.mod == 1) return reader.skip(1);
    if (out.mod == 2 || displaced_by_base || (out.mod == 0 && low_rm == 5)) return reader.skip(4);
    return true;
}

bool read_operands(Reader& reader, Form form, Instruction& out) {
    switch (form) {
        case Form::unknown: return false;
        case Form::bare: return true;
        case Form::imm8: return reader.signed_number(1, out.immediate);
        case Form::modrm: return read_modrm(reader, out);
        case Form::modrm_imm8: return read_modrm(reader, out) && reader.signed_number(1, out.immediate);
        case Form::modrm_imm: return read_modrm(reader, out) && reader.signed_number(out.operand16 && !out.wide() ? 2 : 4, out.immediate);
    }
    return false;
}

}  // namespace

Result<Instruction> decode_instruction(u8 const* bytes, usize count) {
    Reader reader{bytes, count};
    Instruction out;
    out.mod = 3;
    if (!read_prefixes(reader, out)) return Errno::invalid;
    out.opcode = reader.next();
    if (out.opcode == 0x0f) {
        if (reader.at_end()) return Errno::invalid;
        out.two_byte = true;
        out.opcode = reader.next();
    }
    if (!read_operands(reader, out.two_byte ? two_byte_form(out.opcode) : one_byte_form(out.opcode), out)) return Errno::invalid;
    out.length = reader.position();
    return out;
}

Result<Instruction> fetch_instruction(Vcpu& vcpu) {
    std::array<u8, kMaxInstructionBytes> bytes{};
    GuestAddress const rip{vcpu.regs.rip};
    usize count = bytes.size();
    if (!copy_from_guest(bytes.data(), rip, count)) {  // perhaps only the next page is missing
        usize const to_page_end = kPageSize - rip.page_offset();
        if (to_page_end >= count) return Errno::fault;
        count = to_page_end;
        HV_TRY(copy_from_guest(bytes.data(), rip, count));
    }
    return decode_instruction(bytes.data(), count);
}

u64& general_register(GuestRegs& regs, unsigned number) {
    u64* const by_number[16] = {&regs.rax, &regs.rcx, &regs.rdx, &regs.rbx, &regs.rsp, &regs.rbp, &regs.rsi, &regs.rdi,
                                &regs.r8,  &regs.r9,  &regs.r10, &regs.r11, &regs.r12, &regs.r13, &regs.r14, &regs.r15};
    return *by_number[number & 15];
}

u64 read_register(GuestRegs& regs, Instruction const& instruction, unsigned number, unsigned bytes) {
    if (bytes == 1 && instruction.rex == 0 && number >= 4) return general_register(regs, number - 4) >> 8 & 0xff;
    u64 const value = general_register(regs, number);
    return bytes == 8 ? value : value & ((u64{1} << 8 * bytes) - 1);
}

void write_register(GuestRegs& regs, Instruction const& instruction, unsigned number, unsigned bytes, u64 value) {
    if (bytes == 1 && instruction.rex == 0 && number >= 4) {
        u64& whole = general_register(regs, number - 4);
        whole = (whole & ~u64{0xff00}) | (value & 0xff) << 8;
        return;
    }
    u64& whole = general_register(regs, number);
    switch (bytes) {
        case 1: whole = (whole & ~u64{0xff}) | (value & 0xff); return;
        case 2: whole = (whole & ~u64{0xffff}) | (value & 0xffff); return;
        case 4: whole = value & 0xffff'ffff; return;
        default: whole = value; return;
    }
}

}  // namespace hospes
