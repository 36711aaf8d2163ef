// SPDX-License-Identifier: Apache-2.0
// What a use of a grant holds: a pin on the granter's entry, and references on its frame. Each goes when its holder does, unless
// released into a handle.
#pragma once

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/page_types.hpp"

namespace hospes {

// A general reference on a frame, and a writable type reference unless it is only read.
class [[nodiscard]] HeldFrame {
public:
    // Errno::invalid: no frame of `owner`; Errno::busy: it is no frame to be written (a page table); Errno::restart: not now.
    static Result<HeldFrame> get(PageTypes& types, Mfn mfn, DomId owner, bool readonly) {
        HV_TRY(types.get_page(mfn, owner));
        HeldFrame held{types, mfn};
        if (readonly) return held;
        Status const typed = types.get_type(mfn, PageType::writable);
        if (!typed.ok()) return typed.error() == Errno::restart ? Errno::restart : Errno::busy;
        held.is_typed_ = true;
        return held;
    }
    HeldFrame(HeldFrame&& other) noexcept : types_{other.types_}, mfn_{other.mfn_}, is_typed_{other.is_typed_} { other.types_ = nullptr; }
    HeldFrame(HeldFrame const&) = delete;
    HeldFrame& operator=(HeldFrame const&) = delete;
    HeldFrame& operator=(HeldFrame&&) = delete;
    ~HeldFrame() {
        if (types_ != nullptr) put(*types_, mfn_, is_typed_);
    }

    // Drops what release() left to the caller.
    static void put(PageTypes& types, Mfn mfn, bool is_typed) {
        if (is_typed) types.put_page_and_type(mfn);
        if (!is_typed) types.put_page(mfn);
    }

    Mfn mfn() const { return mfn_; }
    void release() { types_ = nullptr; }

private:
    HeldFrame(PageTypes& types, Mfn mfn) : types_{&types}, mfn_{mfn} {}

    PageTypes* types_;
    Mfn mfn_;
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
