// SPDX-License-Identifier: Apache-2.0
// Every reference on some frames counted anew: what page tables, vcpus, grant handles and the domains themselves hold, by the invariants of
// core/mm/page_types.hpp. It shares no code with what keeps the counts.
#pragma once

#include "hypervisor/core/debug/findings.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/page_entries.hpp"

namespace hospes {

class ReferenceCount {
public:
    struct Wanted {
        u32 general;
        u32 typed;
    };

    // Of `count` frames from `first` on. `wanted` is zero at the start, one for each.
    ReferenceCount(System& system, Mfn first, u64 count, Wanted* wanted, Findings& findings)
        : system_{system}, first_{first}, count_{count}, wanted_{wanted}, findings_{findings} {}

    // Counts, and compares with the frame table.
    void run();

private:
    bool is_looked_at(Mfn mfn) const { return mfn >= first_ && mfn - first_ < count_; }
    void add(Mfn mfn, PageType type);
    void add_frame(Mfn mfn);
    void add_table(Mfn table, PageType type, unsigned entries);
    void add_entry(Domain& owner, Mfn table, PageType type, unsigned index, Pte entry);
    void add_domain(Domain& domain);
    void add_vcpu(Vcpu const& vcpu);
    void compare(Mfn mfn, Wanted const& wanted);

    System& system_;
    Mfn first_;
    u64 count_;
    Wanted* wanted_;
    Findings& findings_;
};

}  // namespace hospes
