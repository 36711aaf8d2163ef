// SPDX-License-Identifier: Apache-2.0
// A second domain that answers each event with one, or yields.
#pragma once
#include "rt/guest.hpp"
#include "rt/small_domain.hpp"

namespace hospes::guest {

/// What both sides see: the partner's data page, as partner_code.S knows it.
struct PartnerData {
    evtchn_send_t answer;  // the partner's port
    u32 padding;
    u64 yields_on;         // not 0: it yields for ever
    u64 yields;            // how often it has
};

class Partner {
public:
    Partner();
    ~Partner();
    Partner(const Partner &) = delete;
    Partner &operator=(const Partner &) = delete;

    bool usable() const { return usable_; }
    /// Our end of the channel.
    EventPort port() const { return port_; }
    volatile PartnerData &data() const { return *static_cast<volatile PartnerData *>(page_.data()); }

private:
    SmallDomain domain_;
    ForeignPage page_;
    EventPort port_{};
    bool usable_ = false;
};

}  // namespace hospes::guest
