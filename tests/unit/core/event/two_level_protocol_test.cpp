// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/two_level_protocol.hpp"

#include "tests/support/hypervisor/interleave.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

// One port, and the vcpu it is delivered to.
struct World1 {
    bool pending = false, masked = false, selector = false, upcall = false;
    bool polling = false, asleep = false;
    unsigned consumed = 0;
};

// The same bits as one actor touches them: a step each.
struct SteppedBits {
    World1& w;
    Step& step;

    bool exchange(bool& bit, bool to) {
        step();
        bool const was = bit;
        bit = to;
        return was;
    }
    bool look(bool const& bit) {
        step();
        return bit;
    }
    bool test_and_set_pending() { return exchange(w.pending, true); }
    bool is_pending() { return look(w.pending); }
    bool is_masked() { return look(w.masked); }
    bool test_and_clear_mask() { return exchange(w.masked, false); }
    bool test_and_set_selector() { return exchange(w.selector, true); }
    bool test_and_set_upcall() { return exchange(w.upcall, true); }
    void kick_target() { exchange(w.asleep, false); }
    void wake_pollers() {
        if (exchange(w.polling, false)) exchange(w.asleep, false);
    }
};

// A guest's upcall handler: upcall flag, selector, then the port's bits; it handles what is pending and not masked.
void handle_upcall(SteppedBits bits) {
    if (!bits.exchange(bits.w.upcall, false)) return;
    if (!bits.exchange(bits.w.selector, false)) return;
    if (!bits.look(bits.w.pending) || bits.look(bits.w.masked)) return;
    if (bits.exchange(bits.w.pending, false)) ++bits.w.consumed;
}

// A port that is pending and not masked with nobody told about it stays so for ever.
bool is_event_lost(World1 const& w) { return w.pending && !w.masked && !(w.upcall && w.selector); }

}  // namespace

TEST_CASE("no event is lost whatever the order of two sends and the guest's handler", "[event][interleaving]") {
    World1 w;
    unsigned const orders = for_every_interleaving(
        [&] { w = World1{}; },
        {[&](Step& step) {
             SteppedBits bits{w, step};
             set_port_pending(bits);
             set_port_pending(bits);
         },
         [&](Step& step) { handle_upcall({w, step}); }},
        [&] {
            REQUIRE_FALSE(is_event_lost(w));
            REQUIRE((w.pending || w.consumed == 1));
        });
    CHECK(orders > 100);
}

TEST_CASE("no event is lost whatever the order of a send and an unmask", "[event][interleaving]") {
    World1 w;
    unsigned const orders = for_every_interleaving(
        [&] { w = World1{.masked = true}; },
        {[&](Step& step) { SteppedBits bits{w, step}; set_port_pending(bits); },
         [&](Step& step) { SteppedBits bits{w, step}; unmask_port(bits); }},
        [&] {
            REQUIRE_FALSE(is_event_lost(w));
            REQUIRE((w.pending && !w.masked));
        });
    CHECK(orders > 20);
}

TEST_CASE("no event is lost when a guest masks, handles and unmasks while others send", "[event][interleaving]") {
    World1 w;
    unsigned const orders = for_every_interleaving(
        [&] { w = World1{.pending = true, .selector = true, .upcall = true}; },
        {[&](Step& step) { SteppedBits bits{w, step}; set_port_pending(bits); },
         [&](Step& step) {
             SteppedBits bits{w, step};
             bits.exchange(w.masked, true);
             handle_upcall(bits);
             unmask_port(bits);
         }},
        [&] { REQUIRE_FALSE(is_event_lost(w)); });
    CHECK(orders > 50);
}

TEST_CASE("no poller sleeps on whatever the order of its poll and a send", "[event][interleaving]") {
    World1 w;
    // As start_poll and the caller do it: known as polling, look at the port, sleep if still polling.
    auto const poll = [&](Step& step) {
        SteppedBits bits{w, step};
        bits.exchange(w.polling, true);
        if (bits.is_pending()) {
            bits.exchange(w.polling, false);
            return;
        }
        step();
        w.asleep = w.polling;
    };
    unsigned const orders = for_every_interleaving(
        [&] { w = World1{.masked = true}; },
        {[&](Step& step) { SteppedBits bits{w, step}; set_port_pending(bits); }, poll},
        [&] { REQUIRE_FALSE((w.pending && w.asleep)); });
    CHECK(orders > 10);
}

TEST_CASE("the enumeration finds the lost event of a sender that looks at the mask first", "[event][interleaving]") {
    World1 w;
    unsigned lost = 0;
    (void)for_every_interleaving(
        [&] { w = World1{.masked = true}; },
        {[&](Step& step) {
             SteppedBits bits{w, step};
             bool const masked = bits.is_masked();
             bits.test_and_set_pending();
             if (!masked) select_port(bits);
         },
         [&](Step& step) { SteppedBits bits{w, step}; unmask_port(bits); }},
        [&] { lost += is_event_lost(w) ? 1 : 0; });
    CHECK(lost > 0);
}
