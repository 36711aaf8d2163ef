// SPDX-License-Identifier: Apache-2.0
// Three domains grant each other frames, map, unmap and copy at random, and lie: a granter rewrites its entries whenever it likes, a mapper
// overwrites its page-table entries. A plain model says what must come out; all references are counted anew after each step.
#include "hypervisor/core/grant/grant_table.hpp"

#include "hypervisor/core/mm/page_table.hpp"
#include "tests/support/hypervisor/grants.hpp"
#include "tests/support/hypervisor/recount.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u32 kRefs = 6;
constexpr unsigned kSlots = 8;

struct Party {
    Domain* domain;
    Mfn table;
    std::vector<Mfn> pages;
};

// What is known of a grant entry while somebody has it pinned.
struct ModelPin {
    u64 frame = 0;
    u16 user = 0;
    unsigned readers = 0;
    unsigned writers = 0;
    bool is_overwritten = false;  // by the granter, marks and all
    bool is_pinned() const { return readers + writers != 0; }
};

struct ModelHandle {
    unsigned mapper;
    unsigned granter;
    u32 ref;
    GrantHandle handle;
    u64 frame;
    bool readonly, host, device;
    unsigned slot;
};

class Trade : public World {
public:
    explicit Trade(u64 seed) : World{512}, rng{seed} {
        for (u16 id = 1; id <= 3; ++id) {
            Domain& domain = add_domain(id);
            Party party{&domain, level1_table(domain), {}};
            for (int i = 0; i < 3; ++i) party.pages.push_back(populate(domain));
            REQUIRE(domain.grants.grow(1).ok());
            parties.push_back(party);
        }
    }

    u64 random(u64 below) { return rng() % below; }
    unsigned any_party() { return static_cast<unsigned>(random(parties.size())); }
    ModelPin& pin_of(unsigned granter, u32 ref) { return pins[granter * kRefs + ref]; }
    bool is_frame_of(unsigned party, u64 frame) const {
        for (Mfn const page : parties[party].pages)
            if (page.raw() == frame) return true;
        return parties[party].table.raw() == frame;
    }
    bool is_table(u64 frame) const {
        for (Party const& party : parties)
            if (party.table.raw() == frame) return true;
        return false;
    }

    // The granter writes its entry, whatever it is used for.
    void write_entry() {
        unsigned const granter = any_party();
        u32 const ref = static_cast<u32>(random(kRefs));
        constexpr u16 kFlags[] = {GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly, GTF_accept_transfer, 0,
                                  GTF_permit_access | GTF_reading};
        Party const& target = parties[random(4) == 0 ? any_party() : granter];
        u64 const frame = random(8) == 0 ? target.table.raw() : random(12) == 0 ? 0xffff'0000 : target.pages[random(3)].raw();
        GrantWorld::entry(*parties[granter].domain, ref) = {kFlags[random(std::size(kFlags))], static_cast<u16>(1 + random(3)),
                                                           static_cast<u32>(frame)};
        if (pin_of(granter, ref).is_pinned()) pin_of(granter, ref).is_overwritten = true;
    }

    // Would the entry, as it is now, let `user` in? Updates the model if so.
    bool model_pin(unsigned granter, u32 ref, u16 user, bool readonly) {
        ModelPin& pin = pin_of(granter, ref);
        grant_entry_v1_t const& entry = GrantWorld::entry(*parties[granter].domain, ref);
        if (pin.is_pinned() && pin.user != user) return false;
        if ((readonly ? pin.readers : pin.writers) == 255) return false;
        bool const asks_entry = !pin.is_pinned() || (!readonly && pin.writers == 0);
        if (asks_entry) {
            if ((entry.flags & GTF_type_mask) != GTF_permit_access || entry.domid != user) return false;
            if (!readonly && (entry.flags & GTF_readonly) != 0) return false;
        }
        if (!pin.is_pinned()) pin = {entry.frame, user};
        ++(readonly ? pin.readers : pin.writers);
        return true;
    }
    void model_unpin(unsigned granter, u32 ref, bool readonly) {
        ModelPin& pin = pin_of(granter, ref);
        --(readonly ? pin.readers : pin.writers);
        if (!pin.is_pinned()) pin.is_overwritten = false;
    }
    bool can_use(unsigned granter, u64 frame, bool readonly) const { return is_frame_of(granter, frame) && (readonly || !is_table(frame)); }

    void map() {
        ModelHandle want{};
        want.mapper = any_party();
        want.granter = any_party();
        want.ref = static_cast<u32>(random(kRefs));
        want.readonly = random(2) == 0;
        want.host = random(4) != 0;
        want.device = random(3) == 0;
        want.slot = static_cast<unsigned>(random(kSlots));
        u32 const flags = (want.host ? GNTMAP_host_map : 0) | (want.device ? GNTMAP_device_map : 0) | (want.readonly ? GNTMAP_readonly : 0) |
                          GNTMAP_contains_pte;
        u16 const user = parties[want.mapper].domain->id().raw();
        bool expected = want.host || want.device;
        bool const is_pinned = expected && model_pin(want.granter, want.ref, user, want.readonly);
        expected = is_pinned && can_use(want.granter, pin_of(want.granter, want.ref).frame, want.readonly);
        want.frame = pin_of(want.granter, want.ref).frame;
        if (is_pinned && !expected) model_unpin(want.granter, want.ref, want.readonly);

        GrantMapResult const result = map_grant(*parties[want.mapper].domain->vcpus[0],
                                                {GrantWorld::entry_address(parties[want.mapper].table, want.slot), flags,
                                                 GrantRef{want.ref}, parties[want.granter].domain->id()});
        REQUIRE((result.status == GrantStatus::okay) == expected);
        if (!expected) return;
        want.handle = result.handle;
        handles.push_back(want);
        if (want.host) REQUIRE(GrantWorld::entry_of(parties[want.mapper].table, want.slot).mfn().raw() == want.frame);
        if (want.host && want.readonly) REQUIRE_FALSE(GrantWorld::entry_of(parties[want.mapper].table, want.slot).is_writable());
    }

    void unmap() {
        if (handles.empty()) return;
        usize const index = random(handles.size());
        ModelHandle& handle = handles[index];
        bool const host = random(4) != 0;
        bool const device = random(2) != 0;
        unsigned const slot = random(8) == 0 ? static_cast<unsigned>(random(kSlots)) : handle.slot;
        Pte const there = GrantWorld::entry_of(parties[handle.mapper].table, slot);
        bool const clears = host && handle.host;
        bool const expected = !clears || (there.is_present() && there.mfn().raw() == handle.frame && there.is_writable() != handle.readonly);
        UnmapBatch batch{*parties[handle.mapper].domain->vcpus[0]};
        GrantStatus const status = batch.unmap({host ? GrantWorld::entry_address(parties[handle.mapper].table, slot) : 0,
                                                device ? handle.frame << kPageShift : 0, handle.handle});
        REQUIRE((status == GrantStatus::okay) == expected);
        if (!expected) return;
        handle.host = handle.host && !host;
        handle.device = handle.device && !device;
        if (handle.host || handle.device) return;
        model_unpin(handle.granter, handle.ref, handle.readonly);
        handles.erase(handles.begin() + static_cast<std::ptrdiff_t>(index));
    }

    void copy() {
        unsigned const user = any_party();
        unsigned const granter = any_party();
        u32 const ref = static_cast<u32>(random(kRefs));
        bool const reads = random(2) == 0;
        u16 const id = parties[user].domain->id().raw();
        bool expected = model_pin(granter, ref, id, reads);
        if (expected) {
            expected = can_use(granter, pin_of(granter, ref).frame, reads);
            model_unpin(granter, ref, reads);
        }
        GrantCopyEnd const granted{true, ref, parties[granter].domain->id(), 8};
        GrantCopyEnd const own{false, parties[user].pages[0].raw(), kDomIdSelf, 16};
        GrantStatus const status = copy_grant(*parties[user].domain->vcpus[0], reads ? granted : own, reads ? own : granted, 8);
        REQUIRE((status == GrantStatus::okay) == expected);
    }

    // A guest takes an entry away by hand, grant or not.
    void overwrite_mapping() {
        Party const& party = parties[any_party()];
        unsigned const slot = static_cast<unsigned>(random(kSlots));
        REQUIRE(update_entry(*party.domain, {party.table, slot}, Pte{}, {.frame_owner = party.domain->id()}).ok());
    }

    void step() {
        switch (random(11)) {
        case 0:
        case 1: write_entry(); break;
        case 2:
        case 3:
        case 4:
        case 5:
        case 6: map(); break;
        case 7:
        case 8: unmap(); break;
        case 9: copy(); break;
        default: overwrite_mapping(); break;
        }
    }

    // No frame is mapped for writing more often than there are grants in use for it: their end is the end of all writing.
    void check_writable_entries() {
        std::map<std::pair<unsigned, u64>, int> allowed;
        for (ModelHandle const& handle : handles)
            if (handle.host && !handle.readonly) ++allowed[{handle.mapper, handle.frame}];
        for (unsigned mapper = 0; mapper < parties.size(); ++mapper) {
            for (unsigned slot = 0; slot < kSlots; ++slot) {
                Pte const entry = GrantWorld::entry_of(parties[mapper].table, slot);
                if (entry.is_present() && entry.is_writable()) REQUIRE(--allowed[{mapper, entry.mfn().raw()}] >= 0);
            }
        }
    }

    void check_marks() {
        for (unsigned granter = 0; granter < parties.size(); ++granter) {
            u32 all = 0;
            for (u32 ref = 0; ref < kRefs; ++ref) {
                ModelPin const& pin = pin_of(granter, ref);
                all += pin.readers + pin.writers;
                if (pin.is_overwritten || !pin.is_pinned()) continue;
                u16 const flags = GrantWorld::entry(*parties[granter].domain, ref).flags;
                REQUIRE((flags & GTF_reading) != 0);
                REQUIRE(((flags & GTF_writing) != 0) == (pin.writers != 0));
            }
            REQUIRE(parties[granter].domain->grants.pins() == all);
            parties[granter].domain->grants.check();
        }
    }
    std::string difference() {
        Recount recount{*this};
        for (Party const& party : parties) {
            recount.add_frame(party.table);
            for (Mfn const page : party.pages) recount.add_frame(page);
        }
        for (ModelHandle const& handle : handles) {
            recount.add_general(Mfn{handle.frame});
            if (!handle.readonly) recount.add_typed(Mfn{handle.frame}, PageType::writable);
        }
        return recount.difference();
    }

    std::mt19937_64 rng;
    std::vector<Party> parties;
    std::map<u32, ModelPin> pins;
    std::vector<ModelHandle> handles;
    usize most_handles = 0;
};

}  // namespace

TEST_CASE("grants behave as a plain model says, and no reference is lost or kept", "[property][grant]") {
    usize most_handles = 0;
    for (u64 seed = 1; seed <= 60; ++seed) {
        Trade trade{seed};
        for (int step = 0; step < 300; ++step) {
            INFO("seed " << seed << ", step " << step);
            trade.step();
            trade.check_marks();
            trade.check_writable_entries();
            std::string const wrong = trade.difference();
            INFO(wrong);
            REQUIRE(wrong.empty());
            most_handles = std::max(most_handles, trade.handles.size());
        }
        // They die in any order, with whatever is still mapped.
        for (int i = 0; i < 2; ++i) {
            auto const victim = trade.domains.find(DomId{static_cast<u16>(1 + trade.random(3))});
            if (victim.ok() && victim.value()->life == LifeState::alive) trade.destroy(*victim.value());
        }
    }
    CHECK(most_handles > 5);
}
