// SPDX-License-Identifier: Apache-2.0
// Which vcpu runs next. State changes of vcpus (block, wake, pause) all come through here.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

class Scheduler {
public:
    // Puts a vcpu that waits for an event (block, poll) back into the run queue; harmless for any other. Callers have made the
    // event visible (pending bits) before.
    void wake(Vcpu& vcpu);

    // The vcpu stops until wake(). The caller has checked, with the event bits, that nothing is pending.
    void block(Vcpu& vcpu);
    void yield(Vcpu& vcpu);

    // Pauses nest. A vcpu paused from elsewhere is off its pcpu when pause() returns.
    void pause(Vcpu& vcpu);
    void unpause(Vcpu& vcpu);
    void pause_domain(Domain& domain);
    void unpause_domain(Domain& domain);

    // An upcall has become deliverable for `vcpu`: makes it notice (wakes it, or kicks the pcpu it runs on).
    void kick(Vcpu& vcpu);

    // The vcpu to run on `pcpu` now; null: idle. Accounts `prev` up to `now`.
    Vcpu* pick_next(PcpuId pcpu, Vcpu* prev, Nanoseconds now);
    // When pick_next must be asked again if nothing happens before.
    Nanoseconds next_decision(PcpuId pcpu) const;

    void set_up(Vcpu& vcpu);    // VCPUOP_up: may run from now on
    void set_down(Vcpu& vcpu);  // VCPUOP_down, or the domain dies

private:
    bool can_run(Vcpu const& vcpu) const;
    void set_state(Vcpu& vcpu, RunState state, Nanoseconds now);
    void reconsider(Vcpu& vcpu);
    void enqueue(Vcpu& vcpu, bool at_head);
    void dequeue(Vcpu& vcpu);

    Spinlock lock_{LockRank::sched};
    Vcpu* head_ = nullptr;
    Vcpu* tail_ = nullptr;
    Vcpu* running_ = nullptr;  // of the one processor in use
    bool yielded_ = false;
};

}  // namespace hospes
