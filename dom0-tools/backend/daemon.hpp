// SPDX-License-Identifier: Apache-2.0
// What the main function of a device daemon has in common: ports, store, signals, the loop.
#pragma once

#include "dom0-tools/backend/bus.hpp"
#include "dom0-tools/ports/event_channel.hpp"
#include "dom0-tools/ports/grant.hpp"

#include <functional>

namespace hospes::backend {

// How a daemon opens the event channels: on the loop itself, unless it has a completion ring for them.
using OpenEventChannels = std::function<Result<std::unique_ptr<EventChannelDevice>>(EventLoop&)>;

struct Ports {
    EventLoop& loop;
    xenstore::Client const& store;
    EventChannelDevice& events;
    GrantDevice& grants;
};

// Sets up the log from argv (--log-level LEVEL, --log-file FILE), opens the ports, waiting for xenstored for a while, and runs
// `body`, which makes the daemon's objects and calls the function it is given: that one returns at SIGTERM, SIGINT or when
// xenstored is lost. Returns the program's exit status. On its way out the daemon writes no device states: its successor
// takes the devices over.
int run_daemon(std::string_view program, int argc, char** argv, std::function<Status(Ports, std::function<void()> const& serve)> const& body,
               OpenEventChannels const& open_events = [](EventLoop& loop) { return open_event_channels(loop); });

}  // namespace hospes::backend
