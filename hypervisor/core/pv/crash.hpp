// SPDX-License-Identifier: Apache-2.0
// What a guest did that leaves no way to go on, told on the console before its domain is stopped.
#pragma once

namespace hospes {

class Vcpu;

// Prints the guest's registers, its stack and the bytes at its RIP.
void dump_guest(Vcpu& vcpu);

// Dumps, then stops the vcpu's domain as crashed. `why` completes "domain N crashed: ".
[[gnu::noinline, gnu::cold]] void crash_guest(Vcpu& vcpu, char const* why);

}  // namespace hospes
