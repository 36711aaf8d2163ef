// SPDX-License-Identifier: Apache-2.0
// What the random calls of the soak work on: a few pages, a window of tables, and values chosen to hurt.
#pragma once
#include <initializer_list>

#include "rt/guest.hpp"

namespace hospes::guest {

/// xorshift64*: the whole run follows from its seed.
class Random {
public:
    explicit Random(u64 seed) : state_(seed != 0 ? seed : 1) {}
    u64 next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d;
    }
    /// 0 .. limit-1
    u64 below(u64 limit) { return (next() >> 16) % limit; }
    bool one_in(u64 n) { return below(n) == 0; }

private:
    u64 state_;
};

struct Counts {
    u64 calls = 0, refused = 0, faults = 0;
    void add(long result) {
        ++calls;
        refused += result < 0 ? 1 : 0;
    }
};

constexpr unsigned kPages = 24, kPorts = 8;

struct World {
    explicit World(u64 seed) : random(seed) {}

    Random random;
    Counts counts;
    Window window;
    UserSpace user;
    Page pages[kPages];
    u32 ports[kPorts] = {};
    u32 handles[kPorts] = {};
    u16 own_domain = DOMID_SELF;
    u16 neighbour = DOMID_SELF;  // a domain that grants us pages, and maps what we grant

    const Page &any_page() { return pages[random.below(kPages)]; }
    /// A frame: mostly of `pages`, at times a table, the hypervisor's, or none at all.
    Mfn any_mfn();
    /// Flags of an entry, mostly sensible.
    u64 any_flags();
    u64 any_entry() { return random.one_in(8) ? random.next() : entry(any_mfn(), any_flags()); }
    /// The machine address of an entry of a table or page of ours, at times of something else.
    u64 any_slot();
    /// A virtual address: in the window, of a page, or one that must be refused.
    u64 any_address();
    u32 any_domain();
    u32 any_port() {
        if (random.one_in(8)) return static_cast<u32>(random.next());
        return random.one_in(4) ? static_cast<u32>(random.below(32)) : ports[random.below(kPorts)];
    }
};

using Action = void (*)(World &world);

void do_mmu_update(World &world);
void do_va_mapping(World &world);
void do_pin(World &world);
void do_mmuext(World &world);
void do_table_write(World &world);
void do_descriptors(World &world);
void do_memory(World &world);
void do_grants(World &world);
void do_events(World &world);
void do_small_calls(World &world);
void do_bad_pointers(World &world);
void do_multicall(World &world);
void do_scribble(World &world);
void do_ring_garbage(World &world);
void do_user_code(World &world);
void do_instructions(World &world);

/// Half an entry written at random may map what this guest itself is made of: takes such mappings out of the window.
void keep_image_out(const World &world);

/// Looks for what must never be: a writable entry of the window whose frame is a page table in use, or not ours.
/// Prints what it finds; returns the number of breaches.
unsigned find_breaches(const World &world);

}  // namespace hospes::guest
