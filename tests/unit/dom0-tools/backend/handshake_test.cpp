// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/handshake.hpp"

#include <catch2/catch.hpp>

using namespace hospes::backend;
using enum XenbusState;

namespace {

Seen seen(XenbusState own, XenbusState frontend) { return {.directory_exists = true, .own = own, .frontend = frontend}; }

}  // namespace

TEST_CASE("a new device is probed, connected when its ring is there, and served", "[backend][handshake]") {
    CHECK(decide(Phase::idle, seen(initialising, initialising)) == Action::probe);
    CHECK(decide(Phase::probed, seen(init_wait, initialising)) == Action::nothing);
    CHECK(decide(Phase::probed, seen(init_wait, initialised)) == Action::connect);  // disks
    CHECK(decide(Phase::probed, seen(init_wait, connected)) == Action::connect);    // network cards
    CHECK(decide(Phase::connected, seen(connected, initialised)) == Action::nothing);
    CHECK(decide(Phase::connected, seen(connected, connected)) == Action::nothing);
}

TEST_CASE("a daemon that starts beside living domains takes connected devices over", "[backend][handshake]") {
    CHECK(decide(Phase::idle, seen(connected, connected)) == Action::reattach);
    CHECK(decide(Phase::idle, seen(connected, closed)) == Action::finish);
    CHECK(decide(Phase::idle, seen(init_wait, initialised)) == Action::probe);
    auto dead = seen(connected, connected);
    dead.is_domain_alive = false;
    CHECK(decide(Phase::idle, dead) == Action::finish);
}

TEST_CASE("a frontend that closes is followed, and may start over", "[backend][handshake]") {
    CHECK(decide(Phase::connected, seen(connected, closing)) == Action::announce_closing);
    CHECK(decide(Phase::probed, seen(closing, closing)) == Action::finish);
    CHECK(decide(Phase::connected, seen(connected, closed)) == Action::finish);
    CHECK(decide(Phase::idle, seen(closed, closed)) == Action::nothing);
    CHECK(decide(Phase::idle, seen(closed, initialising)) == Action::probe);
}

TEST_CASE("a device that the toolstack takes away waits for the frontend, then stays closed", "[backend][handshake]") {
    auto unplugged = seen(closing, connected);
    unplugged.is_online = false;
    CHECK(decide(Phase::connected, unplugged) == Action::nothing);
    unplugged.frontend = closed;
    CHECK(decide(Phase::connected, unplugged) == Action::finish);
    unplugged.own = closed;
    unplugged.frontend = initialising;
    CHECK(decide(Phase::idle, unplugged) == Action::nothing);
    // One that was never connected goes at once.
    unplugged.own = closing;
    CHECK(decide(Phase::probed, unplugged) == Action::finish);
}

TEST_CASE("whatever vanishes, everything is let go of", "[backend][handshake]") {
    auto const phase = GENERATE(Phase::idle, Phase::probed, Phase::connected);
    CHECK(decide(phase, Seen{}) == Action::forget);
    CHECK(decide(Phase::connected, seen(connected, unknown)) == Action::finish);
    auto dead = seen(connected, connected);
    dead.is_domain_alive = false;
    CHECK(decide(Phase::connected, dead) == Action::finish);
}

TEST_CASE("in no situation does a backend that serves a frontend's ring close it unasked", "[backend][handshake][property]") {
    for (int own = 0; own <= 8; ++own) {
        if (static_cast<XenbusState>(own) == closed) continue;
        for (auto const frontend : {initialised, connected}) {
            auto const action = decide(Phase::connected, seen(static_cast<XenbusState>(own), frontend));
            CHECK(action == Action::nothing);
        }
    }
}

TEST_CASE("only one digit from 1 to 8 is a state", "[backend][handshake]") {
    CHECK(parse_state("4") == connected);
    CHECK(parse_state("") == unknown);
    CHECK(parse_state("0") == unknown);
    CHECK(parse_state("9") == unknown);
    CHECK(parse_state("44") == unknown);
    CHECK(state_digit(closed) == '6');
}
