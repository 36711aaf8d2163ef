// SPDX-License-Identifier: Apache-2.0
// Which vcpu runs next. State changes of vcpus (block, wake, pause) all come through here.
//
// Policy: each vcpu has a virtual time, the processor time it has used divided by its weight. The runnable vcpu with the least runs, for
// at most one slice while others wait. One that wakes up is set no further back than kWakeCredit behind the one served last: it
// gets the processor soon, but cannot save up time to starve others with.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

inline constexpr Nanoseconds kSlice = Nanoseconds::from_ms(10);
inline constexpr Nanoseconds kWakeCredit = Nanoseconds::from_ms(5);
inline constexpr Nanoseconds kPreemptMargin = Nanoseconds::from_ms(1);

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

    // The vcpu to run on `pcpu` from `now` on; null: idle. Charges `prev`, which ran there until now (null: idle).
    Vcpu* pick_next(PcpuId pcpu, Vcpu* prev, Nanoseconds now);
    // Has something happened so that pick_next has to be asked again?
    bool wants_decision(PcpuId pcpu) const { return pcpu.raw() == 0 && must_decide_; }
    // The timer has fired: the slice may have ended.
    void note_time(PcpuId, Nanoseconds now) { must_decide_ = must_decide_ || now >= slice_end_; }
    // When note_time has to be called at the latest.
    Nanoseconds next_decision(PcpuId pcpu) const { return pcpu.raw() == 0 ? slice_end_ : Nanoseconds::never(); }

    void set_up(Vcpu& vcpu);    // VCPUOP_up, VGCF_online: may run from now on
    void set_down(Vcpu& vcpu);  // VCPUOP_down

    // Time `vcpu` has spent in `state` until `now`.
    static Nanoseconds time_in_state(Vcpu const& vcpu, RunState state, Nanoseconds now);

private:
    static bool can_run(Vcpu const& vcpu);
    static RunState resting_state(Vcpu const& vcpu);
    static void set_state(Vcpu& vcpu, RunState state, Nanoseconds now);
    void charge(Vcpu& vcpu, Nanoseconds now);
    void reconsider(Vcpu& vcpu);
    void enqueue(Vcpu& vcpu);
    void dequeue(Vcpu& vcpu);

    Spinlock lock_{LockRank::sched};
    Vcpu* head_ = nullptr;     // runnable vcpus, least virtual time first
    Vcpu* running_ = nullptr;  // of the one processor in use
    Nanoseconds served_{};     // virtual time of the vcpu served last: what newcomers are set against
    Nanoseconds slice_end_ = Nanoseconds::never();
    bool must_decide_ = true;
};

}  // namespace hospes
