// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/domain_share.hpp"

#include <algorithm>

namespace hospes {

void DomainShare::set_cap(u32 percent, Nanoseconds now) {
    LockGuard guard{lock_};
    cap_.store(percent, std::memory_order_relaxed);
    left_ = per_period();
    refill_at_ = now + kCapPeriod;
}

void DomainShare::spend(Nanoseconds used) {
    LockGuard guard{lock_};
    left_ -= static_cast<i64>(used.raw());
}

i64 DomainShare::budget(Nanoseconds now) {
    constexpr u64 kMostPeriods = 1'000'000;  // enough to pay any debt, and too few for an overflow
    LockGuard guard{lock_};
    if (now >= refill_at_) {
        u64 const periods = (now - refill_at_).raw() / kCapPeriod.raw() + 1;
        left_ = std::min(per_period(), left_ + static_cast<i64>(std::min(periods, kMostPeriods)) * per_period());
        refill_at_ += Nanoseconds{periods * kCapPeriod.raw()};
    }
    return left_;
}

Nanoseconds DomainShare::next_refill() {
    LockGuard guard{lock_};
    return refill_at_;
}

}  // namespace hospes
