// SPDX-License-Identifier: Apache-2.0
#include "raw_client.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

using enum MessageType;
using Messages = std::vector<std::string>;

namespace {

constexpr DomId kGuest{5};

// A store whose toolstack has made domain 5 and introduced it.
struct Machine {
    MemoryStore store;
    RawClient dom0{store};

    Machine() {
        store.host().add(kGuest);
        for (auto const* request : {"/local/domain/5/data|", "/local/domain/5/name|web"}) dom0.ask(MessageType::write, request);
        dom0.ask(set_perms, "/local/domain/5|n0|r5|");
        dom0.ask(set_perms, "/local/domain/5/data|n5|");
        REQUIRE(dom0.reply(introduce, "5|100|3|") == "INTRODUCE OK|");
        dom0.ask(watch, "@releaseDomain|r|");
    }
    Domains& domains() { return store.server().domains(); }
};

}  // namespace

TEST_CASE("a domain is introduced once; again means that its connection starts afresh", "[xenstore][domains]") {
    Machine machine;
    machine.dom0.ask(watch, "@introduceDomain|i|");
    CHECK(machine.dom0.reply(is_domain_introduced, "5|") == "IS_DOMAIN_INTRODUCED T|");
    CHECK(machine.dom0.ask(introduce, "5|100|4|") == Messages{"INTRODUCE OK|"});
    CHECK(machine.store.host().connect_count(kGuest) == 2);
    machine.store.host().add(DomId{6});
    CHECK(machine.dom0.ask(introduce, "6|100|4|") == Messages{"EVENT @introduceDomain|i|", "INTRODUCE OK|"});
}

TEST_CASE("a domain that does not exist or whose port is not for us is not introduced", "[xenstore][domains]") {
    Machine machine;
    CHECK(machine.dom0.reply(introduce, "9|100|3|") == "ERROR EINVAL|");
    machine.store.host().add(DomId{9});
    machine.store.host().refuse_port(EventPort{3});
    CHECK(machine.dom0.reply(introduce, "9|100|3|") == "ERROR EINVAL|");
    CHECK(machine.dom0.reply(is_domain_introduced, "9|") == "IS_DOMAIN_INTRODUCED F|");
    CHECK(machine.store.server().connections().size() == 2);
}

TEST_CASE("a shutdown is told once, and again after RESUME", "[xenstore][domains]") {
    Machine machine;
    machine.domains().scan();
    CHECK(machine.dom0.fetch().empty());
    machine.store.host().shut_down(kGuest);
    machine.domains().scan();
    machine.domains().scan();
    CHECK(machine.dom0.fetch() == Messages{"EVENT @releaseDomain|r|"});
    CHECK(machine.dom0.reply(resume, "5|") == "RESUME OK|");
    machine.domains().scan();
    CHECK(machine.dom0.fetch() == Messages{"EVENT @releaseDomain|r|"});
    CHECK(machine.dom0.reply(resume, "9|") == "ERROR ENOENT|");
}

TEST_CASE("a domain that is gone leaves no node of its own and no entry in a permission list", "[xenstore][domains]") {
    Machine machine;
    machine.dom0.ask(watch, "/local/domain/5/data|d|");
    machine.store.host().remove(kGuest);
    machine.domains().scan();
    CHECK(machine.dom0.fetch() == Messages{"EVENT /local/domain/5/data|d|", "EVENT @releaseDomain|r|"});
    CHECK(machine.dom0.reply(MessageType::read, "/local/domain/5/data|") == "ERROR ENOENT|");
    CHECK(machine.dom0.reply(MessageType::read, "/local/domain/5/name|") == "READ web");
    CHECK(machine.dom0.reply(get_perms, "/local/domain/5|") == "GET_PERMS n0|");
    CHECK(machine.dom0.reply(is_domain_introduced, "5|") == "IS_DOMAIN_INTRODUCED F|");
    CHECK(machine.dom0.reply(control, "check|") == "CONTROL OK|");
}

TEST_CASE("a released domain is forgotten, and its number can be used again", "[xenstore][domains]") {
    Machine machine;
    CHECK(machine.dom0.ask(release, "5|") == Messages{"EVENT @releaseDomain|r|", "RELEASE OK|"});
    CHECK(machine.dom0.reply(release, "5|") == "ERROR ENOENT|");
    CHECK(machine.store.server().connections().size() == 1);
    CHECK(machine.dom0.reply(introduce, "5|100|3|") == "INTRODUCE OK|");
    RawClient heir{machine.store, kGuest};
    CHECK(heir.reply(MessageType::read, "name|") == "ERROR EACCES|");
}

TEST_CASE("a domain that was named as an owner but never introduced is cleaned up as well", "[xenstore][domains]") {
    Machine machine;
    machine.store.host().add(DomId{6});
    machine.dom0.ask(MessageType::write, "/early|");
    REQUIRE(machine.dom0.reply(set_perms, "/early|n6|") == "SET_PERMS OK|");
    machine.store.host().remove(DomId{6});
    machine.domains().scan();
    CHECK(machine.dom0.fetch() == Messages{"EVENT @releaseDomain|r|"});
    CHECK(machine.dom0.reply(MessageType::read, "/early|") == "ERROR ENOENT|");
}

TEST_CASE("a domain has the rights of its target for as long as that lives", "[xenstore][domains]") {
    Machine machine;
    machine.store.host().add(DomId{6});
    REQUIRE(machine.dom0.reply(introduce, "6|100|3|") == "INTRODUCE OK|");
    CHECK(machine.dom0.reply(set_target, "9|5|") == "ERROR ENOENT|");
    CHECK(machine.dom0.reply(set_target, "0|5|") == "ERROR EINVAL|");
    REQUIRE(machine.dom0.reply(set_target, "6|5|") == "SET_TARGET OK|");
    auto const& connections = machine.store.server().connections();
    auto const& stub = connections.rbegin()->second->caller();
    REQUIRE(stub.domain == DomId{6});
    CHECK(stub.target == kGuest);
    machine.store.host().remove(kGuest);
    machine.domains().scan();
    CHECK_FALSE(stub.target);
}

}  // namespace hospes::xenstore
