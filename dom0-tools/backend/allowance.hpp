// SPDX-License-Identifier: Apache-2.0
// How often something may be done: so many times at once, and then once in each pause. What is not used is saved up again.
#pragma once

#include <algorithm>
#include <chrono>

namespace hospes::backend {

class Allowance {
public:
    using Clock = std::chrono::steady_clock;

    // `at_once`: at least 1.
    Allowance(unsigned at_once, std::chrono::milliseconds pause) : pause_{pause}, ahead_{(at_once - 1) * pause} {}

    // Zero: it may be done, and is counted. Else how long to wait before asking again.
    std::chrono::milliseconds take(Clock::time_point now) {
        auto const booked = std::max(booked_until_, now);
        if (booked > now + ahead_) return std::chrono::ceil<std::chrono::milliseconds>(booked - now - ahead_);
        booked_until_ = booked + pause_;
        return {};
    }

private:
    std::chrono::milliseconds pause_;
    std::chrono::milliseconds ahead_;     // how far one may be ahead of one in each pause
    Clock::time_point booked_until_{};
};

}  // namespace hospes::backend
