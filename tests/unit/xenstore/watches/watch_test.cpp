// SPDX-License-Identifier: Apache-2.0
// Watches as clients see them: which events, in which order, and for whom.
#include "../daemon/raw_client.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

using enum MessageType;
using Messages = std::vector<std::string>;

TEST_CASE("the first event follows the reply to WATCH, whether the node exists or not", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    CHECK(dom0.ask(watch, "/no/such|t|") == Messages{"WATCH OK|", "EVENT /no/such|t|"});
    CHECK(dom0.ask(watch, "/no/such|t|") == Messages{"ERROR EEXIST|"});
    CHECK(dom0.ask(watch, "/no/such||") == Messages{"WATCH OK|", "EVENT /no/such||"});
    CHECK(dom0.ask(watch, "@whatever|t|") == Messages{"WATCH OK|", "EVENT @whatever|t|"});
    CHECK(dom0.ask(watch, "relative|t|") == Messages{"WATCH OK|", "EVENT relative|t|"});
}

TEST_CASE("events of a client's own request come before its reply", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    dom0.ask(watch, "/a|t|");
    CHECK(dom0.ask(MessageType::write, "/a/b/c|1") == Messages{"EVENT /a/b/c|t|", "WRITE OK|"});
    CHECK(dom0.ask(MessageType::write, "/a/b/c|1") == Messages{"EVENT /a/b/c|t|", "WRITE OK|"});
    CHECK(dom0.ask(mkdir, "/a/b|") == Messages{"MKDIR OK|"});
    CHECK(dom0.ask(mkdir, "/a/d|") == Messages{"EVENT /a/d|t|", "MKDIR OK|"});
    CHECK(dom0.ask(set_perms, "/a/b|n0|") == Messages{"EVENT /a/b|t|", "SET_PERMS OK|"});
    CHECK(dom0.ask(rm, "/a/b/none|") == Messages{"RM OK|"});
}

TEST_CASE("a relative watch gets relative paths", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    dom0.ask(watch, "backend|t|");
    CHECK(dom0.ask(MessageType::write, "/local/domain/0/backend/vbd|") == Messages{"EVENT backend/vbd|t|", "WRITE OK|"});
}

TEST_CASE("removal of a subtree fires for watched descendants that existed, then for the top", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    for (auto const* path : {"/a/b/c|", "/a/b/d|"}) dom0.ask(MessageType::write, path);
    for (auto const* request : {"/|root|", "/a/b/c|c|", "/a/b/none|none|", "/a|a|"}) dom0.ask(watch, request);
    CHECK(dom0.ask(rm, "/a|") == Messages{"EVENT /a/b/c|c|", "EVENT /a|a|", "EVENT /a|root|", "RM OK|"});
}

TEST_CASE("nothing fires in a transaction until it commits, then once for each node", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient other{store};
    other.ask(watch, "/a|t|");
    auto const id = dom0.begin();
    for (auto const* request : {"/a/x|1", "/a/y|1", "/a/x|2"}) dom0.ask(MessageType::write, request, id);
    CHECK(other.fetch().empty());
    CHECK(dom0.reply(transaction_end, "T|", id) == "TRANSACTION_END OK|");
    CHECK(other.fetch() == Messages{"EVENT /a/x|t|", "EVENT /a/y|t|"});

    auto const aborted = dom0.begin();
    dom0.ask(MessageType::write, "/a/x|3", aborted);
    CHECK(dom0.reply(transaction_end, "F|", aborted) == "TRANSACTION_END OK|");
    CHECK(other.fetch().empty());
}

TEST_CASE("a guest hears only of what it may read", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient guest{store, DomId{5}};
    dom0.ask(MessageType::write, "/public|");
    dom0.ask(set_perms, "/public|r0|");
    dom0.ask(MessageType::write, "/public/secret|");
    dom0.ask(set_perms, "/public/secret|n0|");
    CHECK(guest.ask(watch, "/|t|") == Messages{"WATCH OK|", "EVENT /|t|"});

    dom0.ask(MessageType::write, "/private|1");
    CHECK(guest.fetch().empty());
    dom0.ask(MessageType::write, "/public|1");
    CHECK(guest.fetch() == Messages{"EVENT /public|t|"});
    SECTION("it may list the parent, so it knows that the node is there") {
        dom0.ask(MessageType::write, "/public/secret|1");
        CHECK(guest.fetch() == Messages{"EVENT /public/secret|t|"});
    }
    SECTION("below an unreadable node it hears nothing") {
        dom0.ask(MessageType::write, "/public/secret/inner|1");
        dom0.ask(MessageType::write, "/public/secret/inner/most|1");
        CHECK(guest.fetch().empty());
    }
    SECTION("that a node becomes unreadable is told, once") {
        dom0.ask(set_perms, "/public|n0|");
        CHECK(guest.fetch() == Messages{"EVENT /public|t|"});
        dom0.ask(MessageType::write, "/public|2");
        CHECK(guest.fetch().empty());
    }
    SECTION("the end of a readable node is told") {
        dom0.ask(rm, "/public|");
        CHECK(guest.fetch() == Messages{"EVENT /public|t|"});
    }
}

TEST_CASE("a depth bounds how far below a watch reports", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    dom0.ask(watch, "/a|zero|0|");
    dom0.ask(watch, "/a|one|1|");
    CHECK(dom0.ask(MessageType::write, "/a|") == Messages{"EVENT /a|zero|", "EVENT /a|one|", "WRITE OK|"});
    CHECK(dom0.ask(MessageType::write, "/a/b|") == Messages{"EVENT /a/b|one|", "WRITE OK|"});
    CHECK(dom0.ask(MessageType::write, "/a/b/c|") == Messages{"WRITE OK|"});
}

TEST_CASE("an event that waits already is not queued twice, unless it is special", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient slow{store};
    slow.ask(watch, "/a|t|");
    slow.ask(watch, "@releaseDomain|r|");
    for (int i = 0; i < 3; ++i) dom0.ask(MessageType::write, "/a|1");
    for (int i = 0; i < 2; ++i) store.server().fire_special(kReleaseDomain);
    CHECK(slow.fetch() == Messages{"EVENT /a|t|", "EVENT @releaseDomain|r|", "EVENT @releaseDomain|r|"});
}

TEST_CASE("events for a guest that fetches none are bounded", "[xenstore][watches][quota]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient guest{store, DomId{5}};
    dom0.ask(MessageType::write, "/public|");
    dom0.ask(set_perms, "/public|r0|");
    guest.ask(watch, "/public|t|");
    auto const limit = store.server().quotas().pending_events;
    for (u32 i = 0; i < 2 * limit; ++i) dom0.ask(MessageType::write, fmt::format("/public/{}|", i));
    CHECK(guest.connection().output().size() == limit);
}

TEST_CASE("specials are heard by those their permissions name", "[xenstore][watches]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient driver{store, DomId{5}};
    driver.ask(watch, "@releaseDomain|t|");
    store.server().fire_special(kReleaseDomain);
    CHECK(driver.fetch().empty());
    CHECK(driver.reply(set_perms, "@releaseDomain|n5|") == "ERROR EACCES|");
    CHECK(dom0.reply(set_perms, "@releaseDomain|n0|r5|") == "SET_PERMS OK|");
    CHECK(dom0.reply(get_perms, "@releaseDomain|") == "GET_PERMS n0|r5|");
    CHECK(dom0.reply(get_perms, "@other|") == "ERROR EINVAL|");
    store.server().fire_special(kReleaseDomain);
    CHECK(driver.fetch() == Messages{"EVENT @releaseDomain|t|"});
}

}  // namespace hospes::xenstore
