// SPDX-License-Identifier: Apache-2.0
// What the way back to a guest asks of the rest of the core. Implemented beside the scheduler and the timers, not in machine/.
#pragma once

namespace hospes {

class Vcpu;

// This pcpu, started a moment ago, can run vcpus.
void on_pcpu_online();

// Expired timers, deferred teardown: everything that became due since the last exit. Bounded.
void run_pending_work();

// The vcpu this pcpu runs next (its accounting included) after `running`; null: idle. Also programs the timer for the next decision.
Vcpu* choose_vcpu(Vcpu* running);

// Is there pending work, or a reason to ask choose_vcpu() again? Cheap: asked before each return, in the idle loop, and by preempt_pending().
bool has_work();

// `vcpu` starts to run, and its address space, bases and FPU are live. (Time information, runstate area.)
void on_switched_in(Vcpu& vcpu);

// Bytes have arrived on the serial line (ports/console.hpp).
void on_console_input();
// A key has been pressed for the core, not for dom0.
void on_debug_key(char key);

}  // namespace hospes
