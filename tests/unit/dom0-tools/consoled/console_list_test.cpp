// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/console_list.hpp"

#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/temporary_folder.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::consoled;

namespace {

constexpr EventPort kPort{2};

// A store with domains whose consoles the list serves.
struct Fixture {
    EventLoop loop;
    test::TemporaryFolder folder;
    test::FakeEventChannels events;
    test::FakeGrants grants;
    xenstore::MemoryStore memory;
    xenstore::Client toolstack = memory.connect();
    xenstore::Client ours = memory.connect();
    ConsoleList list{{loop, events, grants, folder.path()}, ours, [] {}};

    void create(DomId domain) {
        auto const home = "/local/domain/" + std::to_string(domain.raw());
        memory.host().add(domain);
        events.offer(domain, kPort);
        grants.grant(domain, GrantRef{0});
        REQUIRE(toolstack.write(home + "/name", "web" + std::to_string(domain.raw())));
        REQUIRE(toolstack.write(home + "/console/ring-ref", "7"));
        REQUIRE(toolstack.write(home + "/console/port", "2"));
        REQUIRE(toolstack.introduce(domain, Gfn{1}, EventPort{1}));
        REQUIRE(ours.dispatch());
    }
    void end(DomId domain) {
        memory.host().remove(domain);
        REQUIRE(toolstack.release(domain));
        REQUIRE(ours.dispatch());
    }
    // How often the list asks for a domain's state while `what` happens.
    template <typename What>
    int questions(What const& what) {
        memory.server().trace().stop(kDomIdDom0);
        memory.server().trace().start(kDomIdDom0);
        what();
        auto const text = memory.server().trace().show(kDomIdDom0, 1 << 20);
        int count = 0;
        for (auto at = text.find("-> IS_DOMAIN_INTRODUCED"); at != std::string::npos; at = text.find("-> IS_DOMAIN_INTRODUCED", at + 1)) ++count;
        return count;
    }
};

}  // namespace

TEST_CASE("a domain's console is there from its introduction to its release", "[consoled][list]") {
    Fixture f;
    f.create(DomId{3});  // before the daemon starts
    REQUIRE(f.list.start());
    REQUIRE(f.ours.dispatch());
    CHECK(f.list.find("web3") != nullptr);
    f.create(DomId{4});
    CHECK(f.list.find("web4") != nullptr);
    CHECK(f.list.find("4") == f.list.find("web4"));
    f.end(DomId{3});
    CHECK(f.list.find("web3") == nullptr);
    CHECK(f.list.find("web4") != nullptr);
}

TEST_CASE("a domain that comes costs as much with many domains as with few", "[consoled][list]") {
    Fixture f;
    REQUIRE(f.list.start());
    REQUIRE(f.ours.dispatch());
    auto const first = f.questions([&] { f.create(DomId{1}); });
    CHECK(first > 0);
    for (std::uint16_t number = 2; number < 10; ++number) f.create(DomId{number});
    CHECK(f.questions([&] { f.create(DomId{10}); }) == first);
    CHECK(f.list.find("web1") != nullptr);
    CHECK(f.list.find("web10") != nullptr);
}
