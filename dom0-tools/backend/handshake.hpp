// SPDX-License-Identifier: Apache-2.0
// The xenbus handshake as a backend sees it: from what the store says and how far we are, what to do next. Pure; the rest of
// this folder carries it out. (xenstore-and-devices.md section 13; states of xen/io/xenbus.h.)
#pragma once

#include <cstdint>
#include <string_view>

namespace hospes::backend {

enum class XenbusState : std::uint8_t {
    unknown = 0,  // no such node, or not a state
    initialising = 1,
    init_wait = 2,
    initialised = 3,
    connected = 4,
    closing = 5,
    closed = 6,
    reconfiguring = 7,
    reconfigured = 8,
};

// A state from the text of its node; anything else than one digit 1..8 is `unknown`.
XenbusState parse_state(std::string_view text);
char state_digit(XenbusState state);

// How far we are with one device.
enum class Phase : std::uint8_t {
    idle,       // nothing opened, nothing mapped
    probed,     // features published, the disk or interface opened or waited for
    connected,  // ring mapped, event channel bound
};

// What the store says at one moment.
struct Seen {
    bool directory_exists = false;  // the backend's directory
    XenbusState own = XenbusState::unknown;
    XenbusState frontend = XenbusState::unknown;
    bool is_online = true;          // the toolstack wants the device to stay
    bool is_domain_alive = true;
};

enum class Action : std::uint8_t {
    nothing,
    probe,             // publish features, open the resource, own state 2
    connect,           // map, bind, own state 4
    reattach,          // the same for a frontend that a predecessor of ours left connected: no state is written
    announce_closing,  // let go of the ring, own state 5
    finish,            // let go of everything, own state 6
    forget,            // let go of everything and write nothing: the directory is gone
};

Action decide(Phase phase, Seen const& seen);

}  // namespace hospes::backend
