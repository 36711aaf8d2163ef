// SPDX-License-Identifier: Apache-2.0
// The vcpus of one pcpu that run or could run.
#pragma once

#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/core/domain/vcpu.hpp"

namespace hospes {

// Virtual times wrap around; two that are compared are never far apart.
constexpr bool is_before(u64 a, u64 b) { return static_cast<i64>(a - b) < 0; }

// A vcpu is in at most one list.
class VcpuList {
public:
    Vcpu* first() const { return first_; }
    bool is_empty() const { return first_ == nullptr; }

    // Behind all with a virtual time that is not greater. Looked for from the end: who has just run goes there.
    void insert_sorted(Vcpu& vcpu) {
        Vcpu* before = last_;
        while (before != nullptr && is_before(vcpu.sched.virtual_time, before->sched.virtual_time)) before = before->sched.previous;
        insert_after(before, vcpu);
    }
    void insert_last(Vcpu& vcpu) { insert_after(last_, vcpu); }
    void remove(Vcpu& vcpu) {
        SchedUnit& unit = vcpu.sched;
        (unit.previous != nullptr ? unit.previous->sched.next : first_) = unit.next;
        (unit.next != nullptr ? unit.next->sched.previous : last_) = unit.previous;
        unit.next = unit.previous = nullptr;
    }

private:
    void insert_after(Vcpu* before, Vcpu& vcpu) {
        SchedUnit& unit = vcpu.sched;
        unit.previous = before;
        unit.next = before != nullptr ? before->sched.next : first_;
        (before != nullptr ? before->sched.next : first_) = &vcpu;
        (unit.next != nullptr ? unit.next->sched.previous : last_) = &vcpu;
    }

    Vcpu* first_ = nullptr;
    Vcpu* last_ = nullptr;
};

struct alignas(64) RunQueue {
    Spinlock lock{LockRank::sched};
    Vcpu* running = nullptr;
    VcpuList waiting;  // least virtual time first
    VcpuList parked;   // of domains that have used what their cap allows; until unpark_at
    u64 served = 0;    // virtual time of the vcpu served last: what newcomers are set against
    Nanoseconds slice_end = Nanoseconds::never();  // never while nobody waits
    Nanoseconds unpark_at = Nanoseconds::never();
    Nanoseconds balance_at{};  // when the queue is next compared with others
    u64 offset = 0;            // served + offset can be compared with that of other queues
    Nanoseconds idle_time{};   // of the pcpu until decided_at, its last decision
    Nanoseconds decided_at{};

    // The pcpu's own, which no lock guards: whom it will kick once it holds none.
    PcpuMask kicks = 0;

    // Written by everybody.
    std::atomic<bool> must_decide{true};
    std::atomic<Vcpu const*> offered{nullptr};  // what the pcpu was woken for while it was idle; only to be compared

    // Written under the lock; read by everybody.
    std::atomic<u32> waiters{0};
    std::atomic<u32> weight{0};  // of all that run or wait
    std::atomic<u64> clock{0};   // served + offset at clocked_at
    std::atomic<Nanoseconds> clocked_at{};
    std::atomic<Nanoseconds> next_decision{Nanoseconds::never()};
};

}  // namespace hospes
