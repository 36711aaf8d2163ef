// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/console_log.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using hospes::consoled::ConsoleLog;

namespace {

std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }
std::string text_of(std::vector<std::byte> const& bytes) { return {reinterpret_cast<char const*>(bytes.data()), bytes.size()}; }

}  // namespace

TEST_CASE("the tail is what this domain wrote, not what its namesake did before", "[consoled][log]") {
    test::TemporaryFolder folder;
    auto log = *ConsoleLog::open(folder.path(), "web");
    REQUIRE(log.begin_domain(DomId{4}, "web").has_value());
    REQUIRE(log.append(bytes_of("old\n")).has_value());
    REQUIRE(log.begin_domain(DomId{5}, "web").has_value());
    REQUIRE(log.append(bytes_of("new\n")).has_value());
    CHECK(text_of(*log.tail(DomId{5}, "web", 1000)) == "new\n");
    CHECK(text_of(*log.tail(DomId{5}, "web", 3)) == "ew\n");
}

TEST_CASE("a log at its limit is set aside and begun anew", "[consoled][log]") {
    test::TemporaryFolder folder;
    auto log = *ConsoleLog::open(folder.path(), "web");
    std::string const block(std::size_t{1} << 20, 'x');
    for (int i = 0; i < 5; ++i) REQUIRE(log.append(bytes_of(block)).has_value());
    CHECK(std::filesystem::file_size(folder.path() + "/web.log.1") == ConsoleLog::kLimit);
    CHECK(std::filesystem::file_size(folder.path() + "/web.log") == block.size());
}

TEST_CASE("a domain's name cannot lead out of the folder", "[consoled][log]") {
    test::TemporaryFolder folder;
    CHECK(ConsoleLog::open(folder.path(), "../../etc/passwd")->path() == folder.path() + "/_.._.._etc_passwd.log");
    CHECK(ConsoleLog::open(folder.path(), "")->path() == folder.path() + "/_.log");
}
