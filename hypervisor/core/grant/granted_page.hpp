// SPDX-License-Identifier: Apache-2.0
// What a use of a grant holds: a pin on the granter's entry, and references on its frame. Each goes when its holder does, unless
// released into a handle.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/page_types.hpp"

namespace hospes {

// A general reference on a frame, and a writable type reference unless it is only read.
class [[nodiscard]] HeldFrame {
public:
    // Errno::invalid: no frame of `owner`; Errno::busy: it is no frame to be written (a page table); Errno::restart: not now.
    static Result<HeldFrame> get(System& system, Mfn mfn, DomId owner, bool readonly) {
        FrameEntry* const entry = system.frames.find(mfn);
        if (entry == nullptr) return Errno::invalid;
        PageTypes& types = system.page_types;
        HV_TRY(types.get_page(*entry, owner));
        HeldFrame held{types, mfn, *entry};
        if (readonly) return held;
        Status const typed = types.get_type(mfn, *entry, PageType::writable);
        if (!typed.ok()) return typed.error() == Errno::restart ? Errno::restart : Errno::busy;
        held.is_typed_ = true;
        return held;
    }
    HeldFrame(HeldFrame&& other) noexcept : types_{other.types_}, mfn_{other.mfn_}, entry_{other.entry_}, is_typed_{other.is_typed_} {
        other.types_ = nullptr;
    }
    HeldFrame(HeldFrame const&) = delete;
    HeldFrame& operator=(HeldFrame const&) = delete;
    HeldFrame& operator=(HeldFrame&&) = delete;
    ~HeldFrame() {
        if (types_ != nullptr) put(*types_, mfn_, entry_, is_typed_);
    }

    // Drops what release() left to the caller.
    static void put(System& system, Mfn mfn, bool is_typed) { put(system.page_types, mfn, system.frames[mfn], is_typed); }

    Mfn mfn() const { return mfn_; }
    void release() { types_ = nullptr; }

private:
    HeldFrame(PageTypes& types, Mfn mfn, FrameEntry& entry) : types_{&types}, mfn_{mfn}, entry_{entry} {}

    static void put(PageTypes& types, Mfn mfn, FrameEntry& entry, bool is_typed) {
        if (is_typed) types.put_type(mfn, entry);
        types.put_page(mfn, entry);
    }

    PageTypes* types_;
    Mfn mfn_;
    FrameEntry& entry_;  // of mfn_
    bool is_typed_ = false;
};

// A pin on entry `ref` of `granter`.
class [[nodiscard]] GrantPin {
public:
    GrantPin(Domain& granter, GrantRef ref, DomId user, bool readonly)
        : granter_{granter}, ref_{ref}, readonly_{readonly}, pinned_{granter.grants.pin(ref, user, readonly)} {}
    GrantPin(GrantPin const&) = delete;
    GrantPin& operator=(GrantPin const&) = delete;
    ~GrantPin() {
        if (pinned_.status == GrantStatus::okay && !is_released_) granter_.grants.unpin(ref_, readonly_);
    }

    // Anything but okay: there is no pin.
    GrantStatus status() const { return pinned_.status; }
    Mfn frame() const { return pinned_.frame; }
    void release() { is_released_ = true; }

private:
    Domain& granter_;
    GrantRef ref_;
    bool readonly_;
    bool is_released_ = false;
    PinnedFrame pinned_;
};

// How an error of HeldFrame::get is told to a guest.
constexpr GrantStatus status_of(Errno error) {
    switch (error) {
    case Errno::restart: return GrantStatus::again;
    case Errno::busy: return GrantStatus::general_error;
    default: return GrantStatus::bad_page;
    }
}

}  // namespace hospes
