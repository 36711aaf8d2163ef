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

#include "tests/support/hypervisor/address_space.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <memory>
#include <span>

namespace hospes::test {

// dom0, and the domains one and two, each with page tables, some frames, a port table, a grant table and a table of handles: what grows
// once is there. Domain one grants entries 0 to 7 (its pages 0 to 7) to domain two.
class Stage : public World {
public:
    Stage();

    // An array of arguments that lives as long as the stage.
    template <typename T>
    GuestArray<T>& arguments(usize count = 1) {
        auto array = std::make_shared<GuestArray<T>>(count);
        arguments_.push_back(array);
        return *array;
    }
    // The array that was made last; `T` must be its type.
    template <typename T>
    GuestArray<T>& last() {
        return *static_cast<GuestArray<T>*>(arguments_.back().get());
    }

    struct Home {
        Domain& domain;
        Vcpu& vcpu;
        AddressSpace space;
        std::vector<Mfn> pages;  // mapped writable nowhere
    };
    Home zero, one, two;
    u32 port = 0;  // what set_up wants call to know
    u32 handle = 0;

private:
    Home furnish(Domain& domain);

    std::vector<std::shared_ptr<void>> arguments_;
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
    void (*set_up)(Stage& stage);                   // may be null
    Call (*call)(Stage& stage, unsigned operations);  // fills the arguments in
    unsigned operations = 1;                        // of a batch
    Keeps keeps = Keeps::nothing;
    bool tells_late = false;  // that it is done can only be told afterwards: it may fail, and be done
    // Was the guest told of a failure? Null: by -EFAULT or -ENOMEM.
    bool (*is_told)(Stage& stage, i64 result) = nullptr;
    i64 result = 0;  // when it works
};

void run_with_faults(std::span<Scenario const> scenarios);

}  // namespace hospes::test
