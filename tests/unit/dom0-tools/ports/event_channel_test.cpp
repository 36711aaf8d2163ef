// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/event_channel.hpp"

#include "tests/support/fake_event_channels.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using hospes::test::FakeEventChannels;

namespace {
constexpr DomId kGuest{5};
constexpr EventPort kGuestPort{3};
}  // namespace

TEST_CASE("a bound port is dispatched, and closed with its owner", "[ports][event_channel]") {
    FakeEventChannels device;
    device.offer(kGuest, kGuestPort);
    int fired = 0;
    {
        auto port = device.bind_interdomain(kGuest, kGuestPort, [&] { ++fired; });
        REQUIRE(port.has_value());
        device.fire(port->number());
        device.fire(port->number());  // masked since the first: kept
        CHECK(fired == 1);
        REQUIRE(port->unmask().has_value());
        CHECK(fired == 2);
        REQUIRE(port->notify().has_value());
        CHECK(device.ports().at(port->number()).notified == 1);
    }
    CHECK(device.ports().empty());
}

TEST_CASE("a port may be closed inside its own handler", "[ports][event_channel]") {
    FakeEventChannels device;
    device.offer(kGuest, kGuestPort);
    BoundPort port;
    std::string captured(100, 'c');
    port = *device.bind_interdomain(kGuest, kGuestPort, [&, captured] {
        port.reset();
        CHECK(captured.size() == 100);
    });
    device.fire(port.number());
    CHECK(device.ports().empty());
}

TEST_CASE("a port that is not bound can be neither notified nor unmasked", "[ports][event_channel]") {
    BoundPort const port{};
    CHECK(port.notify().error().code() == ENOTCONN);
    CHECK(port.unmask().error().code() == ENOTCONN);
}

TEST_CASE("a port that the other domain does not offer cannot be bound", "[ports][event_channel]") {
    FakeEventChannels device;
    auto const port = device.bind_interdomain(kGuest, kGuestPort, [] {});
    REQUIRE(!port.has_value());
    CHECK(port.error().code() == EINVAL);
}
