// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/core/mm/page_types.hpp"

#include <array>

namespace hospes {

// Up to `Capacity` frames with a general and a segdesc reference each, while a descriptor table is put together. What is not taken over
// is given back.
template <unsigned Capacity>
class HeldFrames {
public:
    explicit HeldFrames(PageTypes& types) : types_{types} {}
    HeldFrames(HeldFrames const&) = delete;
    HeldFrames& operator=(HeldFrames const&) = delete;
    ~HeldFrames() { drop(frames_); }

    // Errno of PageTypes::get_page_and_type.
    Status add(Mfn frame, DomId owner) {
        HV_TRY(types_.get_page_and_type(frame, owner, PageType::segdesc));
        frames_[count_++] = frame;
        return {};
    }

    // Puts these frames in the place of `current`, whose own references are dropped.
    void replace(std::array<Mfn, Capacity>& current) {
        std::array<Mfn, Capacity> const old = current;
        current = frames_;
        frames_ = old;  // dropped with us
    }

private:
    void drop(std::array<Mfn, Capacity>& frames) {
        for (Mfn& frame : frames) {
            if (frame.is_valid()) types_.put_page_and_type(frame);
            frame = Mfn{};
        }
    }

    PageTypes& types_;
    std::array<Mfn, Capacity> frames_{};
    unsigned count_ = 0;
};

}  // namespace hospes
