// SPDX-License-Identifier: Apache-2.0
// The server's side of a domain's store ring: a page that the domain can write at any moment. Each word of it is read once
// and judged on the copy; our own indices are kept here and only published there. Layout: <xen/io/xs_wire.h>.
#pragma once

#include "hypervisor/base/types.hpp"

#include <expected>
#include <span>
#include <string_view>

struct xenstore_domain_interface;

namespace hospes::xenstore {

inline constexpr u32 kStoreRingSize = 1024;

// What the server writes into the ring's error word.
enum class RingFault : u32 { communication = 1, index = 2, protocol = 3 };

class GuestRing {
public:
    // `page` stays mapped as long as this is used. Goes on from the indices that the page holds.
    explicit GuestRing(xenstore_domain_interface& page);

    // Says which of the optional parts of the protocol we speak. Before the ring is used.
    void announce_features();

    // Copies as many request bytes as there are, at most `out`; returns how many. An index fault means that the domain
    // does not keep to the protocol.
    std::expected<usize, RingFault> read(std::span<char> out);
    // Copies as many bytes as the domain has room for; returns how many.
    std::expected<usize, RingFault> write(std::string_view bytes);

    // Tells the domain why it is not served any more.
    void set_error(RingFault fault);

    // Whether the domain asks for a fresh start, as a newly loaded kernel does.
    bool wants_reconnect() const;
    // Empties both directions and says that the connection is up.
    void reset();
    // Says that the connection is up, if the domain waits for that. Returns whether it did.
    bool confirm_connection();

private:
    xenstore_domain_interface& page_;
    u32 req_cons_;  // private copies of the indices that we own
    u32 rsp_prod_;
};

}  // namespace hospes::xenstore
