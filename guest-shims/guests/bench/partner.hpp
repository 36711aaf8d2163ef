// SPDX-License-Identifier: Apache-2.0
// A second domain of six pages, made by the hypercalls a toolstack makes: it answers each event with one, or yields.
#pragma once
#include "rt/guest.hpp"

namespace hospes::guest {

/// What both sides see: the partner's data page.
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
    volatile PartnerData &data() const { return *reinterpret_cast<volatile PartnerData *>(window_.va(kDataPage)); }

private:
    static constexpr unsigned kDataPage = 5, kPages = 6;

    bool build();
    bool create();
    bool populate();
    bool fill();
    bool start();

    Window window_;
    u16 domain_ = 0;
    u64 shared_info_ = 0;
    xen_pfn_t frames_[kPages] = {};
    EventPort port_{};
    bool usable_ = false;
};

}  // namespace hospes::guest
