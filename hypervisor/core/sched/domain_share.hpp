// SPDX-License-Identifier: Apache-2.0
// How much processor a domain shall get: its weight against others, and the cap it never exceeds.
#pragma once

#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/core/sched/sched_unit.hpp"

namespace hospes {

inline constexpr Nanoseconds kCapPeriod = Nanoseconds::from_ms(10);

// A capped domain may use `cap` percent of one pcpu in each period, all its vcpus together. What it used too much comes off later
// periods; what it left is gone.
class DomainShare {
public:
    std::atomic<u32> weight{kDefaultWeight};  // each of its vcpus has it, as in Xen's credit2

    u32 cap() const { return cap_.load(std::memory_order_relaxed); }  // 0: none
    void set_cap(u32 percent, Nanoseconds now);

    void spend(Nanoseconds used);
    // What is left at `now`; not positive: its vcpus have to wait.
    i64 budget(Nanoseconds now);
    bool is_exhausted(Nanoseconds now) { return cap() != 0 && budget(now) <= 0; }
    Nanoseconds next_refill();

private:
    i64 per_period() const { return static_cast<i64>(kCapPeriod.raw() / 100 * cap()); }

    std::atomic<u32> cap_{0};
    Spinlock lock_{LockRank::budget};
    i64 left_ = 0;
    Nanoseconds refill_at_{};
};

}  // namespace hospes
