// SPDX-License-Identifier: Apache-2.0
// Three domains allocate, bind, close, send and mask at random; a plain model of who is connected with whom says what must come out.
#include "hypervisor/core/event/event_channels.hpp"

#include "hypervisor/core/event/vcpu_events.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <random>
#include <set>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u32 kPorts = 12;

struct ModelPort {
    PortState state = PortState::free;
    unsigned peer_domain = 0;  // unbound: who may bind
    u32 peer_port = 0;
};

class Chatter : public World {
public:
    explicit Chatter(u64 seed) : World{512}, rng{seed} {
        for (u16 id = 1; id <= 3; ++id) {
            Domain& domain = add_domain(id, 2);
            domain.events.limit_ports(kPorts);
            parties.push_back(&domain);
        }
    }

    u64 random(u64 below) { return rng() % below; }
    unsigned any_party() { return static_cast<unsigned>(random(parties.size())); }
    u32 any_port() { return static_cast<u32>(random(kPorts + 2)); }
    ModelPort& model(unsigned party, u32 port) { return ports[{party, port}]; }
    bool exists(u32 port) const { return port >= 1 && port <= kPorts; }
    u32 lowest_free(unsigned party) {
        for (u32 port = 1; port <= kPorts; ++port)
            if (model(party, port).state == PortState::free) return port;
        return 0;
    }
    // The next port of `party`, or nothing when the model says that there is none.
    std::optional<PortReservation> reserve(unsigned party) {
        Result<PortReservation> port = parties[party]->events.reserve();
        u32 const expected = lowest_free(party);
        REQUIRE(port.ok() == (expected != 0));
        if (!port.ok()) return std::nullopt;
        REQUIRE(port.value().port().raw() == expected);
        return port.take();
    }

    void offer() {
        unsigned const party = any_party();
        unsigned const to = any_party();
        auto port = reserve(party);
        if (!port) return;
        EventPort const number = parties[party]->events.make_unbound(std::move(*port), parties[to]->id());
        model(party, number.raw()) = {PortState::unbound, to, 0};
    }
    void bind() {
        unsigned const party = any_party();
        unsigned const to = any_party();
        u32 const remote = any_port();
        auto port = reserve(party);
        if (!port) return;
        u32 const local = port->port().raw();
        ModelPort& peer = model(to, remote);
        bool const expected = exists(remote) && peer.state == PortState::unbound && peer.peer_domain == party;
        Status const status = parties[party]->events.bind_interdomain(std::move(*port), *parties[to], EventPort{remote});
        REQUIRE(status.ok() == expected);
        if (!expected) return;
        peer = {PortState::interdomain, party, local};
        model(party, local) = {PortState::interdomain, to, remote};
        pending.insert({party, local});
    }
    void bind_ipi() {
        unsigned const party = any_party();
        auto port = reserve(party);
        if (!port) return;
        u32 const number = port->port().raw();
        REQUIRE(parties[party]->events.bind_ipi(std::move(*port), VcpuId{static_cast<u32>(random(2))}).ok());
        model(party, number) = {PortState::ipi, 0, 0};
    }
    void close() {
        unsigned const party = any_party();
        u32 const number = any_port();
        bool const expected = exists(number) && model(party, number).state != PortState::free;
        REQUIRE(parties[party]->events.close(EventPort{number}).ok() == expected);
        if (!expected) return;
        ModelPort const closed = model(party, number);
        if (closed.state == PortState::interdomain) model(closed.peer_domain, closed.peer_port) = {PortState::unbound, party, 0};
        model(party, number) = {};
        pending.erase({party, number});
    }
    void send() {
        unsigned const party = any_party();
        u32 const number = any_port();
        PortState const state = exists(number) ? model(party, number).state : PortState::free;
        REQUIRE(parties[party]->events.send(EventPort{number}).ok() == (state != PortState::free));
        if (state == PortState::ipi) pending.insert({party, number});
        if (state == PortState::interdomain) pending.insert({model(party, number).peer_domain, model(party, number).peer_port});
    }
    // A guest masks or unmasks a port, or takes an event.
    void use() {
        unsigned const party = any_party();
        u32 const number = 1 + static_cast<u32>(random(kPorts));
        shared_info_t& shared = *parties[party]->shared_info;
        switch (random(3)) {
        case 0: shared.evtchn_mask[0] |= u64{1} << number; break;
        case 1: (void)parties[party]->events.unmask(EventPort{number}).ok(); break;
        default:
            shared.evtchn_pending[0] &= ~(u64{1} << number);
            pending.erase({party, number});
        }
    }

    void step() {
        switch (random(8)) {
        case 0:
        case 1: offer(); break;
        case 2:
        case 3: bind(); break;
        case 4: bind_ipi(); break;
        case 5: close(); break;
        case 6: send(); break;
        default: use(); break;
        }
    }
    void compare() {
        for (unsigned party = 0; party < parties.size(); ++party) {
            parties[party]->events.check();
            for (u32 number = 1; number <= kPorts; ++number) compare(party, number);
        }
    }
    void compare(unsigned party, u32 number) {
        ModelPort const& expected = model(party, number);
        Result<PortStatus> const found = parties[party]->events.status(EventPort{number});
        if (!found.ok()) {
            REQUIRE(expected.state == PortState::free);
            return;
        }
        REQUIRE(found.value().state == expected.state);
        if (expected.state == PortState::unbound || expected.state == PortState::interdomain)
            REQUIRE(found.value().domain == parties[expected.peer_domain]->id());
        if (expected.state == PortState::interdomain) REQUIRE(found.value().port.raw() == expected.peer_port);

        bool const is_pending = (parties[party]->shared_info->evtchn_pending[0] >> number & 1) != 0;
        REQUIRE(is_pending == pending.contains({party, number}));
        bool const is_masked = (parties[party]->shared_info->evtchn_mask[0] >> number & 1) != 0;
        Vcpu const& target = *parties[party]->vcpu(found.value().vcpu);
        if (is_pending && !is_masked) REQUIRE(has_deliverable_event(target));
    }

    std::mt19937_64 rng;
    std::vector<Domain*> parties;
    std::map<std::pair<unsigned, u32>, ModelPort> ports;
    std::set<std::pair<unsigned, u32>> pending;
};

}  // namespace

TEST_CASE("event channels behave as a plain model says", "[property][event]") {
    for (u64 seed = 1; seed <= 60; ++seed) {
        Chatter chatter{seed};
        for (int step = 0; step < 400; ++step) {
            INFO("seed " << seed << ", step " << step);
            chatter.step();
            chatter.compare();
        }
    }
}
