// SPDX-License-Identifier: Apache-2.0
// Puts a vcpu's state into the processor, and takes it out again.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

class Vcpu;
struct Pcpu;

// Loads `next` in place of whoever is loaded (whose state is saved), with its address space; does nothing if it is loaded already.
void load_vcpu(Pcpu& pcpu, Vcpu& next);

// Takes an idle pcpu's vcpu out of it. False: the vcpu runs, and cannot be given up now.
bool unload_idle_vcpu(Pcpu& pcpu);

// The page tables a pcpu runs on while no vcpu's are needed.
extern constinit Mfn idle_root;

}  // namespace hospes
