// SPDX-License-Identifier: Apache-2.0
#include "raw_client.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

using enum MessageType;

TEST_CASE("checks come in the protocol's order: type, privilege, transaction, arguments", "[xenstore][server]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient guest{store, DomId{5}};
    CHECK(dom0.reply(MessageType{20}, "x|") == "ERROR ENOSYS|");
    CHECK(dom0.reply(MessageType{99}, "") == "ERROR ENOSYS|");
    CHECK(dom0.reply(watch_event, "a|b|") == "ERROR ENOSYS|");
    auto const type = GENERATE(control, introduce, release, is_domain_introduced, resume, set_target);
    CHECK(guest.reply(type, "nonsense", 77) == "ERROR EACCES|");
    CHECK(dom0.reply(MessageType::read, "//", 77) == "ERROR ENOENT|");
    CHECK(dom0.reply(MessageType::read, "//") == "ERROR EINVAL|");
}

TEST_CASE("a request of the wrong form is refused", "[xenstore][server]") {
    MemoryStore store;
    RawClient dom0{store};
    for (auto const type : {MessageType::read, directory, get_perms, mkdir, rm}) {
        CHECK(dom0.reply(type, "") == "ERROR EINVAL|");
        CHECK(dom0.reply(type, "/a") == "ERROR EINVAL|");
        CHECK(dom0.reply(type, "/a|b|") == "ERROR EINVAL|");
    }
    CHECK(dom0.reply(MessageType::write, "/a") == "ERROR EINVAL|");
    CHECK(dom0.reply(MessageType::write, "@x|v") == "ERROR EINVAL|");
    CHECK(dom0.reply(set_perms, "/|") == "ERROR EINVAL|");
    CHECK(dom0.reply(set_perms, "/|n0|x9|") == "ERROR EINVAL|");
    CHECK(dom0.reply(watch, "/a|") == "ERROR EINVAL|");
    CHECK(dom0.reply(watch, "/a|token|deep|") == "ERROR EINVAL|");
    CHECK(dom0.reply(unwatch, "/a|token|") == "ERROR ENOENT|");
    CHECK(dom0.reply(introduce, "5|1|") == "ERROR EINVAL|");
    CHECK(dom0.reply(introduce, "0|1|1|") == "ERROR EINVAL|");
    CHECK(dom0.reply(release, "0|") == "ERROR EINVAL|");
}

TEST_CASE("replies have the form that clients expect", "[xenstore][server]") {
    MemoryStore store;
    RawClient dom0{store};
    CHECK(dom0.reply(MessageType::write, "/a/b|value|with NUL") == "WRITE OK|");
    CHECK(dom0.reply(MessageType::read, "/a/b|") == "READ value|with NUL");
    CHECK(dom0.reply(mkdir, "/a/c|") == "MKDIR OK|");
    CHECK(dom0.reply(directory, "/a|") == "DIRECTORY b|c|");
    CHECK(dom0.reply(directory, "/a/c|") == "DIRECTORY ");
    CHECK(dom0.reply(get_perms, "/a|") == "GET_PERMS n0|");
    CHECK(dom0.reply(set_perms, "/a|n0|r5|") == "SET_PERMS OK|");
    CHECK(dom0.reply(get_perms, "/a|") == "GET_PERMS n0|r5|");
    CHECK(dom0.reply(get_domain_path, "17|") == "GET_DOMAIN_PATH /local/domain/17|");
    CHECK(dom0.reply(is_domain_introduced, "17|") == "IS_DOMAIN_INTRODUCED F|");
    CHECK(dom0.reply(MessageType::write, "name|x") == "WRITE OK|");
    CHECK(dom0.reply(MessageType::read, "/local/domain/0/name|") == "READ x");
}

TEST_CASE("an owner must exist, others need not", "[xenstore][server]") {
    MemoryStore store;
    RawClient dom0{store};
    REQUIRE(dom0.reply(mkdir, "/a|") == "MKDIR OK|");
    CHECK(dom0.reply(set_perms, "/a|n5|") == "ERROR ENOENT|");
    CHECK(dom0.reply(set_perms, "/a|n0|r5|") == "SET_PERMS OK|");
    store.host().add(DomId{5});
    CHECK(dom0.reply(set_perms, "/a|n5|") == "SET_PERMS OK|");
}

TEST_CASE("transactions have numbers of their own on each connection", "[xenstore][server]") {
    MemoryStore store;
    RawClient one{store};
    RawClient two{store};
    auto const id = one.begin();
    CHECK(id != 0);
    CHECK(one.reply(transaction_start, "|", id) == "ERROR EBUSY|");
    CHECK(two.reply(MessageType::read, "/|", id) == "ERROR ENOENT|");
    CHECK(one.reply(transaction_end, "X|", id) == "ERROR EINVAL|");
    CHECK(one.reply(MessageType::write, "/a|1", id) == "WRITE OK|");
    CHECK(two.reply(MessageType::read, "/a|") == "ERROR ENOENT|");
    CHECK(one.reply(transaction_end, "T|", id) == "TRANSACTION_END OK|");
    CHECK(two.reply(MessageType::read, "/a|") == "READ 1");
    CHECK(one.reply(transaction_end, "T|", id) == "ERROR ENOENT|");
    CHECK(one.reply(transaction_end, "T|") == "ERROR ENOENT|");
    CHECK(one.begin() != id);
}

TEST_CASE("RESET_WATCHES also ends the caller's transactions", "[xenstore][server]") {
    MemoryStore store;
    RawClient dom0{store};
    auto const id = dom0.begin();
    REQUIRE(dom0.ask(watch, "/a|t|").size() == 2);
    CHECK(dom0.reply(reset_watches, "|") == "RESET_WATCHES OK|");
    CHECK(dom0.reply(MessageType::read, "/|", id) == "ERROR ENOENT|");
    CHECK(dom0.reply(MessageType::write, "/a|1") == "WRITE OK|");
}

TEST_CASE("a guest has so many transactions and watches, and no more", "[xenstore][server][quota]") {
    MemoryStore store;
    RawClient guest{store, DomId{5}};
    for (u32 i = 0; i < store.server().quotas().transactions; ++i) REQUIRE(guest.begin() != 0);
    CHECK(guest.reply(transaction_start, "|") == "ERROR ENOSPC|");
    for (u32 i = 0; i < store.server().quotas().watches; ++i) REQUIRE(guest.ask(watch, fmt::format("/w|{}|", i)).size() == 2);
    CHECK(guest.reply(watch, "/w|one more|") == "ERROR ENOSPC|");
    CHECK(guest.reply(unwatch, "/w|0|") == "UNWATCH OK|");
    CHECK(guest.ask(watch, "/w|one more|").size() == 2);
}

TEST_CASE("the parts of a long directory are whole names, an empty one marks the end", "[xenstore][server]") {
    MemoryStore store;
    RawClient dom0{store};
    for (int i = 0; i < 502; ++i) REQUIRE(dom0.reply(mkdir, fmt::format("/many/name-{:04}|", i)) == "MKDIR OK|");
    CHECK(dom0.reply(directory, "/many|") == "ERROR E2BIG|");
    auto const first = dom0.reply(directory_part, "/many|0|");
    CHECK(first.ends_with("|name-0408|"));
    CHECK(dom0.reply(directory_part, "/many|4090|").ends_with("|name-0501||"));
    CHECK(dom0.reply(directory_part, "/many|5020|").ends_with("||"));
    CHECK(dom0.reply(directory_part, "/many|99999|").ends_with("||"));
    CHECK(dom0.reply(directory_part, "/many|x|") == "ERROR EINVAL|");
}

TEST_CASE("control commands answer in text", "[xenstore][server][control]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient guest{store, DomId{5}};
    CHECK(dom0.reply(control, "check|") == "CONTROL OK|");
    CHECK(dom0.reply(control, "nonsense|") == "ERROR EINVAL|");
    CHECK(dom0.reply(control, "") == "ERROR EINVAL|");
    CHECK(dom0.reply(control, "quota|set|watches|7|") == "CONTROL OK|");
    CHECK(store.server().quotas().watches == 7);
    CHECK(dom0.reply(control, "quota|set|nonsense|7|") == "ERROR EINVAL|");
    CHECK(dom0.reply(control, "help|").find("hospes.trace") != std::string::npos);

    REQUIRE(guest.ask(watch, "/w|tok|").size() == 2);
    CHECK(dom0.reply(control, "hospes.watches|5|") == "CONTROL raw: /w tok\n|");
}

TEST_CASE("a trace keeps the last messages of a chosen domain", "[xenstore][server][control]") {
    MemoryStore store;
    RawClient dom0{store};
    RawClient guest{store, DomId{5}};
    guest.ask(MessageType::read, "before|");
    CHECK(dom0.reply(control, "hospes.trace|on|5|") == "CONTROL OK|");
    guest.ask(MessageType::read, "device/vbd|");
    auto const text = dom0.reply(control, "hospes.trace|show|5|");
    CHECK(text.find("before") == std::string::npos);
    CHECK(text.find("-> READ tx 0 req 9: device/vbd \n") != std::string::npos);
    CHECK(text.find("<- ERROR tx 0 req 9: EACCES \n") != std::string::npos);
    for (usize i = 0; i < 3 * Trace::kKeptMessages; ++i) guest.ask(MessageType::read, fmt::format("number-{}|", i));
    auto const longer = dom0.reply(control, "hospes.trace|show|5|");
    CHECK(longer.size() <= kPayloadMax + std::string_view{"CONTROL "}.size());
    CHECK(longer.find(fmt::format("number-{}", 3 * Trace::kKeptMessages - 1)) != std::string::npos);
    CHECK(dom0.reply(control, "hospes.trace|off|5|") == "CONTROL OK|");
    CHECK(dom0.reply(control, "hospes.trace|show|5|") == "CONTROL |");
}

}  // namespace hospes::xenstore
