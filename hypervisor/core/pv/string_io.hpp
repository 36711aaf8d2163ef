// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

class Vcpu;
struct Instruction;

// INS and OUTS, with or without REP. A repeated one is done in bounded pieces: RIP moves on only when RCX has come to zero, and the guest
// executes the rest again. A memory operand that cannot be accessed is the guest's page fault, before the port is touched; what was done
// before stays done. False: it lies where a guest has no memory at all, which is #GP.
[[nodiscard]] bool emulate_string_io(Vcpu& vcpu, Instruction const& instruction, unsigned width);

}  // namespace hospes
