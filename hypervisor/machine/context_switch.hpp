// SPDX-License-Identifier: Apache-2.0
// Puts a vcpu's state into the processor, and takes it out again.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;
struct Pcpu;

// Loads `next` in place of whoever is loaded (whose state is saved), with its address space; does nothing if it is loaded already.
void load_vcpu(Pcpu& pcpu, Vcpu& next);

// The page tables a pcpu runs on while no vcpu's are needed.
extern constinit Mfn idle_root;

}  // namespace hospes
