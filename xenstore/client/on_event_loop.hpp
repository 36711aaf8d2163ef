// SPDX-License-Identifier: Apache-2.0
// Ties a client's watches to an event loop.
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "xenstore/client/client.hpp"

namespace hospes::xenstore {

// Runs the client's watch callbacks from the loop, for as long as the returned registration lives. `client` must outlive it.
// `on_lost` is called once when the connection is lost; watches do not fire any more after that.
inline Result<FdWatch> watch_client(EventLoop& loop, Client const& client, std::function<void(Error const&)> on_lost) {
    auto on_readable = [&client, on_lost = std::move(on_lost), is_lost = false](FdEvents) mutable {
        if (is_lost) return;
        auto const dispatched = client.dispatch();
        if (dispatched) return;
        is_lost = true;
        on_lost(dispatched.error());
    };
    return loop.watch_fd(client.fd(), {.readable = true}, std::move(on_readable));
}

}  // namespace hospes::xenstore
