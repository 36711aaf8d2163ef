// SPDX-License-Identifier: Apache-2.0
// The orders in which the two ends of an interdomain channel are closed. Who closes one looks whose the other end is under its own lock,
// and then takes both: in between the channel may be gone, or the port may be an end of another one.
#include "tests/concurrency/explorer.hpp"
#include "tests/concurrency/small_memory.hpp"

#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/event/pirq.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;
using explorer::explore;
using explorer::Verdict;

namespace {

constexpr EventPort kPort{1};  // of either domain

alignas(64) u8 storage[sizeof(SmallMemory)];
shared_info_t shared_infos[2];

void expect(bool condition) {
    if (!condition) throw std::logic_error{"a step fails that cannot fail"};
}

EventChannels& first() { return small_memory->first.events; }
EventChannels& second() { return small_memory->second.events; }

// The port of domain one that is unbound for `remote`.
EventPort unbound_port(Domain const& remote) { return first().make_unbound(first().reserve().take(), remote.id()); }

// Port 1 of domain one and port 1 of domain two are the ends of a channel. Other ports are there too.
void begin() {
    ::new (storage) SmallMemory;
    expect(release_frame(small_memory->first, Mfn{2}).ok() && release_frame(small_memory->first, Mfn{3}).ok());
    small_memory->first.shared_info = &shared_infos[0];
    small_memory->second.shared_info = &shared_infos[1];
    for (EventChannels* const events : {&first(), &second()}) events->limit_ports(4);
    expect(unbound_port(small_memory->second) == kPort);
    expect(second().bind_interdomain(second().reserve().take(), small_memory->first, kPort).ok());
}

std::string fault() {
    for (EventChannels* const events : {&first(), &second()}) {
        if (char const* const found = events->find_fault()) return found;
    }
    return "";
}

std::string all_are_free() {
    if (std::string const found = fault(); !found.empty()) return found;
    for (EventChannels* const events : {&first(), &second()}) {
        auto states = events->count_states();
        states[static_cast<unsigned>(PortState::free)] = 0;
        if (states != decltype(states){}) return "a port is left behind";
    }
    return "";
}

void try_all(std::vector<std::function<void()>> actors, std::function<std::string()> judge, unsigned preemptions) {
    auto const finish = [] { small_memory->~SmallMemory(); };
    Verdict const verdict = explore({.start = begin, .actors = std::move(actors), .judge = std::move(judge), .end = [] {}, .finish = finish}, {.preemptions = preemptions});
    INFO(verdict.first_failure);
    CHECK(verdict.failures == 0);
    CHECK(verdict.orders > 1);
}

}  // namespace

namespace hospes {

void unbind_pirq(Domain&, Pirq) { throw std::logic_error{"no port is bound to an interrupt here"}; }

}  // namespace hospes

TEST_CASE("ports: both ends of a channel are closed, in every order") {
    try_all({[] { expect(first().close(kPort).ok()); }, [] { expect(second().close(kPort).ok()); }}, all_are_free, explorer::kUnlimited);
}

TEST_CASE("ports: a port that is closed belongs to another channel already, in every order with three preemptions") {
    auto const close = [] { (void)first().close(kPort); };  // or it is free at this moment
    // Port 1 becomes one end of a channel from domain one to itself.
    auto const use_again = [] {
        (void)second().close(kPort);
        (void)first().close(kPort);
        EventPort const port = unbound_port(small_memory->first);
        (void)first().bind_interdomain(first().reserve().take(), small_memory->first, port);
    };
    try_all({close, use_again}, fault, 3);
}
