// SPDX-License-Identifier: Apache-2.0
// A domain of a few frames with one vcpu, which the guest, as the initial domain, makes by domctl.
#pragma once
#include "rt/guest.hpp"

namespace hospes::guest {

/// What it runs: in its code page, with what start() says in its registers.
extern "C" {
void small_spin();  // for ever
void small_echo();  // polls the port in its data page, and sends it when it has become pending
extern const char small_code[], small_code_end[];
}

class SmallDomain {
public:
    /// Nothing works when the domain could not be made: usable().
    SmallDomain();
    ~SmallDomain();
    SmallDomain(const SmallDomain &) = delete;
    SmallDomain &operator=(const SmallDomain &) = delete;

    bool usable() const { return usable_; }
    u16 id() const { return id_; }

    /// Says what it runs from unpause() on. `port`: of its own, for small_echo.
    long load(void (*code)(), EventPort port);
    long pause() const;
    long unpause() const;
    /// Nanoseconds its vcpu has run.
    u64 cpu_time() const;

    /// `cap`: percent of a processor; 0: none.
    long set_share(u16 weight, u16 cap) const;

private:
    static constexpr unsigned kFrames = 6;

    bool create();
    bool build();

    bool usable_ = false;
    u16 id_ = 0;
    Mfn frames_[kFrames]{};  // level 4 to 1, code, data
    Mfn shared_info_{};
};

/// An event channel between us and `domain`; `remote` is its end there. Negative: -errno.
long connect(const SmallDomain &domain, EventPort &local, EventPort &remote);

}  // namespace hospes::guest
