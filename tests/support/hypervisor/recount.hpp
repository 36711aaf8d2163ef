// SPDX-License-Identifier: Apache-2.0
// Counts every reference on every frame of some domains anew, from the contents of page tables and what the test itself holds, and compares
// with the frame table. It shares no code with core/mm: it is what the invariants T1 to T4 of page_types.hpp say, read from outside.
#pragma once

#include "tests/support/hypervisor/world.hpp"

#include <map>
#include <set>

namespace hospes::test {

class Recount {
public:
    explicit Recount(World& world) : world_{world} {}

    // A frame that a domain owns: one reference of its own, and those of its entries if it is a page table.
    void add_frame(Mfn mfn);
    // The test, or something it knows of (a pin, a grant handle), holds these.
    void add_general(Mfn mfn, u64 count = 1) { wanted_[mfn.raw()].general += count; }
    void add_typed(Mfn mfn, PageType type, u64 count = 1) { wanted_[mfn.raw()].typed[type] += count; }

    // An empty string, or what differs. Frames that were added and nothing else may be referenced by tables.
    std::string difference();

private:
    struct Wanted {
        u64 general = 0;
        std::map<PageType, u64> typed;
    };

    void add_entries(Mfn table, PageType type, unsigned count);
    void compare(u64 mfn, Wanted const& wanted);
    void complain(u64 mfn, std::string const& what);

    World& world_;
    std::map<u64, Wanted> wanted_;
    std::string difference_;
};

}  // namespace hospes::test
