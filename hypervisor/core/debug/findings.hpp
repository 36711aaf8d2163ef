// SPDX-License-Identifier: Apache-2.0
// What a step of the checker has looked at, and how much of it is not as it should be.
#pragma once

#include "hypervisor/ports/log.hpp"

namespace hospes {

struct Findings {
    u64 differences = 0;
    u64 frames = 0;
    u64 tables = 0;
    u64 references = 0;

    // Counts a difference. Only the first ones are to be told: the serial line is slow.
    bool note() { return ++differences <= kMostTold; }

    Findings& operator+=(Findings const& other) {
        differences += other.differences;
        frames += other.frames;
        tables += other.tables;
        references += other.references;
        return *this;
    }

    static constexpr u64 kMostTold = 16;
};

#define HV_DIFFERENCE(findings, ...) \
    do {                             \
        if ((findings).note()) HV_ERROR("check: " __VA_ARGS__); \
    } while (false)

}  // namespace hospes
