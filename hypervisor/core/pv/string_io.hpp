// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

class Vcpu;
struct Instruction;

// INS and OUTS, with or without REP. A repeated one is done in bounded pieces: RIP moves on only when RCX has come to zero, and the guest
// executes the rest again. False: the memory operand cannot be accessed; what was done before stays done.
[[nodiscard]] bool emulate_string_io(Vcpu& vcpu, Instruction const& instruction, unsigned width);

}  // namespace hospes
