// SPDX-License-Identifier: Apache-2.0
// Three frames, two domains, and the core's own page types, page tables, heap and frame ownership on them. What must hold is said here a
// second time, from outside: of frames that entries name, of references, and of what a TLB may still hold.
#pragma once

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/sched/scheduler.hpp"

#include <array>
#include <map>
#include <string>

namespace hospes::test {

inline constexpr u64 kFrameLimit = 4;  // frame 0 is never used

class SmallMemory {
public:
    SmallMemory();
    SmallMemory(SmallMemory const&) = delete;
    SmallMemory& operator=(SmallMemory const&) = delete;

    // What is wrong at this moment, while operations are under way: a reference that an entry needs and nobody counts, a frame in two
    // uses, a translation that outlived what it was made for.
    std::string check();
    // What is wrong now that no operation is under way: counts must be exact.
    std::string check_at_rest();
    // Somebody holds a general and a type reference.
    void hold(Mfn mfn, PageType type);
    // No longer. False: nobody did.
    bool let_go(Mfn mfn, PageType type);
    // Every translation goes, but for what is mapped now.
    void flush();

private:
    struct Wanted {
        u64 general = 0;
        std::map<PageType, u64> typed;
    };
    struct Cached {
        bool readable = false;
        bool writable = false;
        bool as_table = false;
        u64 owner = 0;
    };

    void note_table(u64 mfn, std::map<u64, Wanted>& wanted, bool is_at_rest);
    void note_translations(u64 mfn);
    std::string compare(u64 mfn, Wanted const& wanted, bool is_at_rest);
    std::string stale_translation(u64 mfn);
    std::string compare_all(bool is_at_rest);

    std::array<FrameEntry, FrameTable::kFramesPerBlock> entries_{};
    std::array<u8, 1> populated_{0xff};
    FrameTable frames_;
    Heap heap_{frames_};
    DomainList domains_;
    Scheduler scheduler_;
    std::array<Cached, kFrameLimit> cached_{};
    std::map<u64, Wanted> held_;

public:
    PageTypes types{system};
    System system{frames_, heap_, types, domains_, scheduler_};
    Domain first{system, DomId{1}};
    Domain second{system, DomId{2}};
};

extern SmallMemory* small_memory;

}  // namespace hospes::test
