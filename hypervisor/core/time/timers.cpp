// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/time/timers.hpp"

#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/ipi.hpp"

#include <algorithm>

namespace hospes {
namespace {

// Vcpus with a deadline, the earliest first.
struct TimerQueue {
    Spinlock lock{LockRank::timer};
    Vcpu* head = nullptr;

    Nanoseconds earliest() const { return head != nullptr ? head->timers.next_due : Nanoseconds::never(); }
};

constinit TimerQueue queues[kMaxPcpus];

// Holds the queue a vcpu is kept with; it may move to another until that one's lock is held.
class HomeGuard {
public:
    explicit HomeGuard(Vcpu& vcpu) {
        for (;;) {
            u32 const home = vcpu.timers.home.load(std::memory_order_relaxed);
            queue_ = &queues[home];
            queue_->lock.lock();
            if (vcpu.timers.home.load(std::memory_order_relaxed) == home) return;
            queue_->lock.unlock();
        }
    }
    ~HomeGuard() { queue_->lock.unlock(); }
    HomeGuard(HomeGuard const&) = delete;
    HomeGuard& operator=(HomeGuard const&) = delete;

    TimerQueue& queue() { return *queue_; }

private:
    TimerQueue* queue_;
};

// `period` from `now` on; never when a clock would not get there.
Nanoseconds next_period(Nanoseconds now, Nanoseconds period) {
    Nanoseconds const next = now + period;
    return next < now ? Nanoseconds::never() : next;
}

void remove(TimerQueue& queue, Vcpu& vcpu) {
    for (Vcpu** at = &queue.head; *at != nullptr; at = &(*at)->timers.next) {
        if (*at != &vcpu) continue;
        *at = vcpu.timers.next;
        vcpu.timers.next = nullptr;
        return;
    }
}

// Puts `vcpu` where its deadlines say, out of the queue if it has none. True: it is the queue's first.
bool place(TimerQueue& queue, Vcpu& vcpu) {
    VcpuTimers& timers = vcpu.timers;
    Nanoseconds const due = std::min({timers.singleshot, timers.periodic_next, timers.poll_limit});
    if (due == timers.next_due && due == Nanoseconds::never()) return false;
    if (timers.next_due != Nanoseconds::never()) remove(queue, vcpu);
    timers.next_due = due;
    if (due == Nanoseconds::never()) return false;
    Vcpu** at = &queue.head;
    while (*at != nullptr && (*at)->timers.next_due <= due) at = &(*at)->timers.next;
    timers.next = *at;
    *at = &vcpu;
    return queue.head == &vcpu;
}

void arm_for_first(Vcpu& vcpu) {
    PcpuId const home{vcpu.timers.home.load(std::memory_order_relaxed)};
    if (home == this_pcpu_id())
        rearm_timer(vcpu.domain().system());
    else
        kick_pcpu(home);
}

template <typename Change>
void change_timers(Vcpu& vcpu, Change change) {
    bool is_first = false;
    {
        HomeGuard guard{vcpu};
        change(vcpu.timers);
        is_first = place(guard.queue(), vcpu);
    }
    if (is_first) arm_for_first(vcpu);
}

void fire(Vcpu& vcpu, Nanoseconds now) {
    VcpuTimers& timers = vcpu.timers;
    if (timers.singleshot <= now) {
        timers.singleshot = Nanoseconds::never();
        send_vcpu_virq(vcpu, Virq{VIRQ_TIMER});
    }
    if (timers.periodic_next <= now) {
        timers.periodic_next = next_period(now, timers.periodic_period);
        send_vcpu_virq(vcpu, Virq{VIRQ_TIMER});
    }
    if (timers.poll_limit <= now) {
        timers.poll_limit = Nanoseconds::never();
        if (end_poll(vcpu)) vcpu.domain().system().scheduler.wake(vcpu);
    }
}

}  // namespace

void set_singleshot(Vcpu& vcpu, Nanoseconds deadline) {
    change_timers(vcpu, [&](VcpuTimers& timers) { timers.singleshot = deadline; });
}

void set_periodic(Vcpu& vcpu, Nanoseconds period) {
    change_timers(vcpu, [&](VcpuTimers& timers) {
        timers.periodic_period = period;
        timers.periodic_next = period.raw() == 0 ? Nanoseconds::never() : next_period(system_time(), period);
    });
}

void set_poll_limit(Vcpu& vcpu, Nanoseconds deadline) {
    change_timers(vcpu, [&](VcpuTimers& timers) { timers.poll_limit = deadline; });
}

void stop_timers(Vcpu& vcpu) {
    change_timers(vcpu, [](VcpuTimers& timers) { timers.singleshot = timers.periodic_next = timers.poll_limit = Nanoseconds::never(); });
}

void bring_timers_here(Vcpu& vcpu) {
    u32 const here = this_pcpu_id().raw();
    u32 const home = vcpu.timers.home.load(std::memory_order_relaxed);
    if (home == here) return;  // nobody moves it while it runs here
    bool is_first = false;
    {
        PairGuard const guard{queues[home].lock, home, queues[here].lock, here};
        if (vcpu.timers.next_due != Nanoseconds::never()) remove(queues[home], vcpu);
        vcpu.timers.next_due = Nanoseconds::never();
        vcpu.timers.home.store(here, std::memory_order_relaxed);
        is_first = place(queues[here], vcpu);
    }
    if (is_first) arm_for_first(vcpu);
}

void take_timers_over(System& system, PcpuId from) {
    u32 const here = this_pcpu_id().raw();
    TimerQueue& source = queues[from.raw()];
    {
        PairGuard const guard{source.lock, from.raw(), queues[here].lock, here};
        while (Vcpu* const vcpu = source.head) {
            remove(source, *vcpu);
            vcpu->timers.next_due = Nanoseconds::never();
            vcpu->timers.home.store(here, std::memory_order_relaxed);
            (void)place(queues[here], *vcpu);
        }
    }
    rearm_timer(system);
}

void run_timers(Nanoseconds now) {
    TimerQueue& queue = queues[this_pcpu_id().raw()];
    LockGuard const guard{queue.lock};
    while (queue.earliest() <= now) {
        Vcpu& vcpu = *queue.head;
        fire(vcpu, now);
        (void)place(queue, vcpu);
    }
}

Nanoseconds next_timer() {
    TimerQueue& queue = queues[this_pcpu_id().raw()];
    LockGuard const guard{queue.lock};
    return queue.earliest();
}

void rearm_timer(System& system) { program_timer(std::min(next_timer(), system.scheduler.next_decision(this_pcpu_id()))); }

}  // namespace hospes
