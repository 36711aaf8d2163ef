// SPDX-License-Identifier: Apache-2.0
// A domain of a few frames with one vcpu or two, which a guest, as the initial domain, makes by domctl.
#pragma once
#include "page.hpp"

namespace hospes::guest {

/// One of another domain's frames, writable here.
class ForeignPage {
public:
    ForeignPage(u16 domain, Mfn mfn);

    bool usable() const { return usable_; }
    void *data() const { return reinterpret_cast<void *>(window_.va()); }
    u64 &operator[](unsigned index) const { return static_cast<u64 *>(data())[index]; }

private:
    Window window_;
    bool usable_;
};

/// What a small domain runs: a page at most, and not bound to where it lies.
struct SmallCode {
    const char *begin, *end;
};

class SmallDomain {
public:
    /// Nothing works when the domain could not be made: usable().
    explicit SmallDomain(SmallCode code, u32 vcpus = 1);
    ~SmallDomain();
    SmallDomain(const SmallDomain &) = delete;
    SmallDomain &operator=(const SmallDomain &) = delete;

    bool usable() const { return usable_; }
    u16 id() const { return id_; }
    /// The page at which RBX points in the domain.
    ForeignPage data() const { return {id_, frames_[kDataFrame]}; }

    /// Says what a vcpu runs from unpause() on, a place in its code, with RBX at its data page and RBP at shared_info's pending bits.
    /// Events stay masked unless it opens them; they then go to the code's first instruction.
    long load(void (*entry)(), u32 vcpu = 0) const;
    long pause() const;
    long unpause() const;

private:
    static constexpr unsigned kFrames = 6, kDataFrame = kFrames - 1;  // level 4 to 1, code, data

    bool create(u32 vcpus);
    bool build() const;

    SmallCode code_;
    bool usable_ = false;
    u16 id_ = 0;
    Mfn frames_[kFrames]{};
    Mfn shared_info_{};
};

/// An event channel between us and `domain`; `remote` is its end there. Negative: -errno.
long connect(const SmallDomain &domain, EventPort &local, EventPort &remote);

}  // namespace hospes::guest
