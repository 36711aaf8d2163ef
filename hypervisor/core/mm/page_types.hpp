// SPDX-License-Identifier: Apache-2.0
// References and types of frames: the security boundary of a PV domain's memory.
//
// Invariants (checked by PageTypes::check and by the tests after every step):
//  T1  A frame has one type while its type count is above zero; the type changes only at count zero.
//  T2  A page table with a type count is wholly validated: each present entry holds a general reference on what it maps, and a type
//      reference of the next lower level (levels 2..4), or of `writable` (level 1, when the entry is writable).
//  T3  A half-done table (interrupted validation or devalidation) has type count zero, `progress` n > 0, and holds one general reference
//      on itself: exactly its first n entries hold their references. Nobody else counts it; it can be resumed or rolled back by anyone.
//  T4  type count <= general count; a frame is freed when its general count reaches zero.
//  T5  Before a frame is used under a new type, or by a new owner, no pcpu holds a translation from its former use (ports/tlb.hpp).
#pragma once

#include <atomic>

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/mm/page_type.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

class Domain;
class Pte;
struct FrameEntry;

class PageTypes {
public:
    explicit constexpr PageTypes(System& system) : system_{system} {}

    // A general reference: the frame stays allocated and keeps its owner. Errno::invalid: not RAM or not owned by `owner`;
    // Errno::busy: too many references.
    Status get_page(Mfn mfn, DomId owner);
    // The same for the core itself, for a moment, to let something of the frame go. Errno::invalid as above, and no other error: guests'
    // references leave room for it.
    Status hold_page(Mfn mfn, DomId owner);
    // A further general reference for one who already holds one.
    void get_another(Mfn mfn);
    // Drops a general reference; the last one frees the frame.
    void put_page(Mfn mfn);

    // A type reference, for a holder of a general reference. May validate a page table, which may take long:
    // Errno::restart asks to come back (progress is kept, also of settling the owner's tables); Errno::busy: has another type; other errors: an entry breaks a rule.
    Status get_type(Mfn mfn, PageType type);
    // A further type reference for one who holds a type reference already.
    Status get_another_type(Mfn mfn);
    // Drops a type reference. The last one starts devalidation; what cannot be finished now waits for settle().
    void put_type(Mfn mfn);

    Status get_page_and_type(Mfn mfn, DomId owner, PageType type);
    void put_page_and_type(Mfn mfn);

    // Finishes interrupted devalidations of a domain's tables. Errno::restart: more to do. Every memory hypercall starts with it.
    Status settle(Domain& domain);

    // The pinned flag holds one general and one type reference. Errno::invalid: pinned already / not pinned.
    Status pin(Mfn mfn, Domain& owner, PageType type);
    Status unpin(Mfn mfn, Domain& owner);

    // Rolls an interrupted validation back (the owner is dying). Errno::restart: the rest waits for settle().
    Status forget_progress(Mfn mfn, Domain& owner);

    // The same for one who has looked the frame up (FrameTable::find).
    Status get_page(FrameEntry& entry, DomId owner);
    void put_page(Mfn mfn, FrameEntry& entry);
    Status get_type(Mfn mfn, FrameEntry& entry, PageType type);
    void put_type(Mfn mfn, FrameEntry& entry);
    Status get_page_and_type(Mfn mfn, FrameEntry& entry, DomId owner, PageType type);

    // What the frame is used as now; none while nobody counts on it.
    PageType type(Mfn mfn) const;
    static PageType type(FrameEntry const& entry);

    // For an update of a validated table's entries: a type reference of whatever level it has, and other pcpus' updates kept away.
    // The caller holds a general reference. Errno::invalid: not a validated page table; Errno::busy: too many references.
    Result<PageType> hold_table(FrameEntry& entry);
    void release_table(Mfn mfn, FrameEntry& entry);

private:
    // Taken seldom, and kept out of who is on the straight way.
    [[gnu::noinline]] void free_page(Mfn mfn, u64 before);
    [[gnu::noinline]] Status get_type_slowly(Mfn mfn, PageType type);
    [[gnu::noinline]] void put_type_slowly(Mfn mfn, FrameEntry& entry);
    [[gnu::noinline]] Status settle_all(Domain& domain);
    [[gnu::noinline]] void start_devalidation(Mfn mfn, PageType type);
    Status start_type(Mfn mfn, PageType type);
    Status validate(Mfn mfn, PageType type);
    void keep_progress(Mfn mfn, PageType type, unsigned start, unsigned entries);
    void abandon(Mfn mfn, PageType type, unsigned start, unsigned entries);
    bool is_counted(Pte pte, u64 times) const;
    unsigned devalidate(Mfn mfn, PageType type, unsigned entries);
    bool finish_devalidation(Mfn mfn, PageType type, unsigned entries);
    Status roll_back(Mfn mfn);
    void enlist_unsettled(Mfn mfn, u64 word);
    Domain& owner_of(Mfn mfn);

    System& system_;
    std::atomic<u32> rolled_back_{0};  // half-done tables that somebody wanted as something else
};

// A held general + type reference; dropped on destruction unless released into a longer-lived holder.
class [[nodiscard]] TypedPage {
public:
    static Result<TypedPage> get(PageTypes& types, Mfn mfn, DomId owner, PageType type) {
        HV_TRY(types.get_page_and_type(mfn, owner, type));
        return TypedPage{types, mfn};
    }
    TypedPage(TypedPage&& other) noexcept : types_{other.types_}, mfn_{other.mfn_} { other.types_ = nullptr; }
    TypedPage(TypedPage const&) = delete;
    TypedPage& operator=(TypedPage const&) = delete;
    TypedPage& operator=(TypedPage&&) = delete;
    ~TypedPage() {
        if (types_ != nullptr) types_->put_page_and_type(mfn_);
    }

    Mfn mfn() const { return mfn_; }
    // Hands the references over to the caller, who puts them later.
    Mfn release() {
        types_ = nullptr;
        return mfn_;
    }

private:
    TypedPage(PageTypes& types, Mfn mfn) : types_{&types}, mfn_{mfn} {}

    PageTypes* types_;
    Mfn mfn_;
};

}  // namespace hospes
