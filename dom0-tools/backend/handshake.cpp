// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/handshake.hpp"

namespace hospes::backend {
namespace {

bool has_ring(XenbusState frontend) { return frontend == XenbusState::initialised || frontend == XenbusState::connected; }
bool is_leaving(XenbusState frontend) { return frontend == XenbusState::closing || frontend == XenbusState::closed; }

// Also where a daemon begins that was started anew beside living domains.
Action decide_idle(Seen const& seen) {
    switch (seen.own) {
        case XenbusState::unknown:
        case XenbusState::initialising:
        case XenbusState::init_wait:
        case XenbusState::initialised: return is_leaving(seen.frontend) ? Action::nothing : Action::probe;
        // Never 5 or 6 while the frontend uses the device: it would give the disk up for good.
        case XenbusState::connected: return has_ring(seen.frontend) && seen.is_domain_alive ? Action::reattach : Action::finish;
        case XenbusState::closing: return Action::finish;
        case XenbusState::closed: return seen.is_online && seen.frontend == XenbusState::initialising ? Action::probe : Action::nothing;
        case XenbusState::reconfiguring:
        case XenbusState::reconfigured: return Action::nothing;
    }
    return Action::nothing;
}

Action decide_probed(Seen const& seen) {
    if (seen.own == XenbusState::closing || is_leaving(seen.frontend)) return Action::finish;
    return has_ring(seen.frontend) ? Action::connect : Action::nothing;
}

Action decide_connected(Seen const& seen) {
    if (!seen.is_domain_alive || seen.own == XenbusState::closed) return Action::finish;
    switch (seen.frontend) {
        case XenbusState::closing: return Action::announce_closing;
        case XenbusState::closed:
        case XenbusState::unknown:
        case XenbusState::initialising: return Action::finish;  // a driver that starts over finds us closed, then waiting
        default: return Action::nothing;  // an own state of 5, written by the toolstack, is for the frontend to answer
    }
}

}  // namespace

XenbusState parse_state(std::string_view text) {
    if (text.size() != 1 || text[0] < '1' || text[0] > '8') return XenbusState::unknown;
    return static_cast<XenbusState>(text[0] - '0');
}

char state_digit(XenbusState state) { return static_cast<char>('0' + static_cast<int>(state)); }

Action decide(Phase phase, Seen const& seen) {
    if (!seen.directory_exists) return Action::forget;
    switch (phase) {
        case Phase::idle: return decide_idle(seen);
        case Phase::probed: return decide_probed(seen);
        case Phase::connected: return decide_connected(seen);
    }
    return Action::nothing;
}

}  // namespace hospes::backend
