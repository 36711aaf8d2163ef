// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/string_io.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/pv/instruction.hpp"
#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

constexpr unsigned kMaxRepeats = 256;  // between two looks at the rest of the world

u64 source_base(Vcpu& vcpu, Instruction const& instruction) {
    if (instruction.segment == 0x64) return segment_base(vcpu, SegmentBase::fs);
    if (instruction.segment == 0x65) return segment_base(vcpu, vcpu.pv.in_kernel ? SegmentBase::gs_kernel : SegmentBase::gs_user);
    return 0;
}

bool move_one(Vcpu& vcpu, Instruction const& instruction, unsigned width) {
    GuestRegs& regs = vcpu.regs;
    bool const is_out = (instruction.opcode & 2) != 0;
    u64& index = is_out ? regs.rsi : regs.rdi;
    u64 const address_mask = instruction.address32 ? 0xffff'ffff : ~u64{0};
    GuestAddress const memory{(index & address_mask) + (is_out ? source_base(vcpu, instruction) : 0)};
    u16 const port = static_cast<u16>(regs.rdx);
    u32 value = 0;
    if (is_out) {
        if (!copy_from_guest(&value, memory, width)) return false;
        write_port(vcpu, port, width, value);
    } else {
        if (!copy_from_guest(&value, memory, width)) return false;  // before the port is touched: can the place be reached at all?
        value = read_port(vcpu, port, width);
        if (!copy_to_guest(memory, &value, width)) return false;
    }
    u64 const step = (regs.rflags & kRflagsDf) != 0 ? u64{0} - width : u64{width};
    index = (index + step) & address_mask;
    return true;
}

}  // namespace

bool emulate_string_io(Vcpu& vcpu, Instruction const& instruction, unsigned width) {
    GuestRegs& regs = vcpu.regs;
    if (!instruction.repeats) {
        if (!move_one(vcpu, instruction, width)) return false;
        regs.rip += instruction.length;
        return true;
    }
    u64 const count_mask = instruction.address32 ? 0xffff'ffff : ~u64{0};
    for (unsigned done = 0; (regs.rcx & count_mask) != 0; ++done) {
        if (done == kMaxRepeats) return true;
        if (!move_one(vcpu, instruction, width)) return false;
        regs.rcx = (regs.rcx - 1) & count_mask;
    }
    regs.rip += instruction.length;
    return true;
}

}  // namespace hospes
