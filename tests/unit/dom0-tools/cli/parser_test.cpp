// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/parser.hpp"

#include <catch2/catch.hpp>

using namespace hospes::cli;
using Catch::Matchers::Contains;

TEST_CASE("each verb of the table is parsed, and has help", "[cli]") {
    auto const general = help_text(nullptr);
    for (auto const& verb : verbs()) {
        INFO(verb.name);
        std::vector<std::string> words{std::string{verb.name}};
        bool const has_operand = verb.operand != Operand::none;
        if (has_operand) words.push_back("something");
        for (auto const operand : verb.more) {
            if (operand != Operand::none) words.push_back("more");
        }
        if ((verb.options & kJson) != 0) words.push_back("--json");
        auto const command = parse(words);
        REQUIRE(command.verb == &verb);
        CHECK(command.arguments.operand == (has_operand ? "something" : ""));
        CHECK(command.arguments.json == ((verb.options & kJson) != 0));
        CHECK_THAT(general, Contains(std::string{verb.name}) && Contains(std::string{verb.summary}));
        CHECK_THAT(help_text(&verb), Contains(std::string{verb.summary}));
        CHECK(parse({std::string{verb.name}, "--help"}).text == help_text(&verb));
    }
}

TEST_CASE("all that print data know --json", "[cli]") {
    for (auto const* const name : {"create", "list", "info", "vcpu-list", "sched", "top", "dmesg", "check", "version"}) {
        CHECK((find_verb(name)->options & kJson) != 0);
    }
}

TEST_CASE("options reach the verb", "[cli]") {
    CHECK(parse({"create", "-c", "d.xml"}).arguments.console);
    CHECK(parse({"create", "d.xml", "--paused"}).arguments.paused);
    auto const shutdown = parse({"shutdown", "web", "--wait", "--timeout", "7"});
    CHECK(shutdown.arguments.wait);
    CHECK(shutdown.arguments.timeout_seconds == 7);
    CHECK(parse({"shutdown", "web"}).arguments.timeout_seconds == 120);
    auto const share = parse({"sched", "web", "--weight", "512", "--cap", "0"}).arguments;
    CHECK(share.weight == 512);
    CHECK(share.cap == 0);
    CHECK_FALSE(parse({"sched"}).arguments.weight);
    auto const top = parse({"top", "-b", "-n", "4", "-d", "1"}).arguments;
    CHECK(top.batch);
    CHECK(top.iterations == 4);
    CHECK(top.delay_seconds == 1);
    CHECK_FALSE(parse({"top"}).arguments.iterations);
}

TEST_CASE("a verb takes several words", "[cli]") {
    auto const pin = parse({"vcpu-pin", "web", "1", "-", "0-3,^2"});
    REQUIRE(pin.verb == find_verb("vcpu-pin"));
    CHECK(pin.arguments.operand == "web");
    CHECK(pin.arguments.more == std::array<std::string, 3>{"1", "-", "0-3,^2"});
    CHECK(parse({"vcpu-pin", "web", "all", "0"}).arguments.more == std::array<std::string, 3>{"all", "0", ""});
    CHECK(parse({"vcpu-set", "web", "2", "--wait"}).arguments.more[0] == "2");
}

TEST_CASE("debug takes an action, and keys behind it", "[cli]") {
    auto const keys = parse({"debug", "keys", "qr"});
    CHECK(keys.arguments.operand == "keys");
    CHECK(keys.arguments.keys == "qr");
    CHECK(parse({"debug", "check"}).arguments.keys.empty());
}

TEST_CASE("what is no command is explained in one line, with status 2", "[cli][golden]") {
    auto const text_of = [](std::vector<std::string> const& words) {
        auto const command = parse(words);
        CHECK(command.verb == nullptr);
        CHECK(command.exit_status == kUsageStatus);
        return command.text;
    };
    CHECK(text_of({"lits"}) == "hospes: there is no verb 'lits'; did you mean 'list'?; 'hospes help' shows all\n");
    CHECK(text_of({"frobnicate"}) == "hospes: there is no verb 'frobnicate'; 'hospes help' shows all\n");
    CHECK(text_of({"create"}) == "hospes: FILE.xml is required; 'hospes help create' shows how it is used\n");
    CHECK_THAT(text_of({"list", "--jason"}), Contains("--jason") && Contains("hospes help list"));
    CHECK_THAT(text_of({"pause", "a", "b"}), Contains("b"));
    CHECK_THAT(text_of({"shutdown", "web", "--timeout", "soon"}), Contains("soon"));
    CHECK(text_of({"vcpu-pin", "web", "1"}) == "hospes: CPUS is required; 'hospes help vcpu-pin' shows how it is used\n");
    CHECK_THAT(text_of({"sched", "web", "--weight", "0"}), Contains("65535"));
    CHECK_THAT(text_of({"sched", "web", "--cap", "6401"}), Contains("6400"));
    CHECK_THAT(text_of({"top", "-n", "0"}), Contains("hospes help top"));
    CHECK(text_of({}) == help_text(nullptr));
}
