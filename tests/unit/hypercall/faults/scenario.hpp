// SPDX-License-Identifier: Apache-2.0
// Hypercalls that are made to fail everywhere. A scenario is one hypercall that works, in a world of three domains; run_with_faults() repeats
// it with the first, second, third ... allocation or guest copy failing, until none is left to fail. After each failure:
//
//  - the guest is told so, by an error or a status of its own;
//  - the state of the world is that of before, or, for a batch, that after some whole number of its operations;
//  - every reference in the world adds up;
//  - the same call, made again, works and has the effect it would have had.
//
// Then it is interrupted at every point where it asks whether to stop: continued, it must have the same effect.
#pragma once

#include "tests/support/hypervisor/stage.hpp"

#include <span>

namespace hospes::test {

struct Scene : Stage {
    u32 port = 0;  // what set_up wants call to know
    u32 handle = 0;
};

struct Call {
    Vcpu& caller;
    u64 number;
    std::array<u64, 6> args;
};

// Whether the core may keep memory for a domain that it has grown for it, when the call failed afterwards.
enum class Keeps : u8 { nothing, grown_tables };

struct Scenario {
    char const* name;
    void (*set_up)(Scene& stage);                   // may be null
    Call (*call)(Scene& stage, unsigned operations);  // fills the arguments in
    unsigned operations = 1;                        // of a batch
    Keeps keeps = Keeps::nothing;
    bool tells_late = false;  // that it is done can only be told afterwards: it may fail, and be done
    // Was the guest told of a failure? Null: by -EFAULT or -ENOMEM.
    bool (*is_told)(Scene& stage, i64 result) = nullptr;
    i64 result = 0;  // when it works
};

void run_with_faults(std::span<Scenario const> scenarios);

}  // namespace hospes::test
