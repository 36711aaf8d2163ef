// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/string_io.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/pv/bounce.hpp"
#include "hypervisor/core/pv/instruction.hpp"
#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "hypervisor/x86/layout.hpp"

namespace hospes {
namespace {

constexpr unsigned kMaxRepeats = 256;  // between two looks at the rest of the world

u64 source_base(Vcpu& vcpu, Instruction const& instruction) {
    if (instruction.segment == 0x64) return segment_base(vcpu, SegmentBase::fs);
    if (instruction.segment == 0x65) return segment_base(vcpu, vcpu.pv.in_kernel ? SegmentBase::gs_kernel : SegmentBase::gs_user);
    return 0;
}

// Can memory be read, and written if that is wanted? What it holds stays.
bool is_accessible(GuestAddress memory, unsigned width, bool is_written) {
    u32 value = 0;
    return copy_from_guest(&value, memory, width).ok() && (!is_written || copy_to_guest(memory, &value, width).ok());
}

// The operand, which may reach into the next page, is not accessible: tells the guest the first byte that is not.
void deliver_operand_fault(Vcpu& vcpu, GuestAddress memory, unsigned width, bool is_written) {
    u64 const next_page = (memory.raw() | (kPageSize - 1)) + 1;
    bool const is_in_next = next_page < memory.raw() + width && is_accessible(memory, 1, is_written);
    GuestAddress const address{is_in_next ? next_page : memory.raw()};
    bool const is_read_only = is_written && is_accessible(address, 1, false);
    deliver_page_fault(vcpu, address.raw(), (is_written ? kPageFaultWrite : 0) | (is_read_only ? kPageFaultPresent : 0));
}

enum class Moved : u8 { yes, page_fault, nowhere };

Moved move_one(Vcpu& vcpu, Instruction const& instruction, unsigned width) {
    GuestRegs& regs = vcpu.regs;
    bool const is_out = (instruction.opcode & 2) != 0;
    u64& index = is_out ? regs.rsi : regs.rdi;
    u64 const address_mask = instruction.address32 ? 0xffff'ffff : ~u64{0};
    GuestAddress const memory{(index & address_mask) + (is_out ? source_base(vcpu, instruction) : 0)};
    u16 const port = static_cast<u16>(regs.rdx);
    if (!is_guest_range(memory, width)) return Moved::nowhere;
    u32 value = 0;
    // A port may have what is read from it only once: the place for it is tried before.
    bool is_done = is_out ? copy_from_guest(&value, memory, width).ok() : is_accessible(memory, width, true);
    if (is_done && is_out) write_port(vcpu, port, width, value);
    if (is_done && !is_out) {
        value = read_port(vcpu, port, width);
        is_done = copy_to_guest(memory, &value, width).ok();
    }
    if (!is_done) {
        deliver_operand_fault(vcpu, memory, width, !is_out);
        return Moved::page_fault;
    }
    u64 const step = (regs.rflags & kRflagsDf) != 0 ? u64{0} - width : u64{width};
    index = (index + step) & address_mask;
    return Moved::yes;
}

}  // namespace

bool emulate_string_io(Vcpu& vcpu, Instruction const& instruction, unsigned width) {
    GuestRegs& regs = vcpu.regs;
    if (!instruction.repeats) {
        Moved const moved = move_one(vcpu, instruction, width);
        if (moved == Moved::yes) regs.rip += instruction.length;
        return moved != Moved::nowhere;
    }
    u64 const count_mask = instruction.address32 ? 0xffff'ffff : ~u64{0};
    for (unsigned done = 0; (regs.rcx & count_mask) != 0; ++done) {
        if (done == kMaxRepeats) return true;
        if (Moved const moved = move_one(vcpu, instruction, width); moved != Moved::yes) return moved == Moved::page_fault;
        regs.rcx = (regs.rcx - 1) & count_mask;
    }
    regs.rip += instruction.length;
    return true;
}

}  // namespace hospes
