// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/path.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <vector>

namespace hospes::xenstore {

namespace {

constexpr auto kHome = "/local/domain/5";

std::string parsed(std::string_view text) {
    auto const path = Path::parse(text, kHome);
    return path ? path->text() : "EINVAL";
}

}  // namespace

TEST_CASE("a relative path lies below the caller's home", "[xenstore][path]") {
    CHECK(parsed("/a/b") == "/a/b");
    CHECK(parsed("/") == "/");
    CHECK(parsed("device/vbd") == "/local/domain/5/device/vbd");
}

TEST_CASE("a malformed path is refused", "[xenstore][path]") {
    auto const text = GENERATE("", "//", "/a//b", "/a/", "a/", "/a b", "/a\n", "/a*", "@introduceDomain", "/\xc3\xa4");
    INFO(text);
    CHECK(parsed(text) == "EINVAL");
}

TEST_CASE("a path has 2048 bytes at most, not counting a domain's home", "[xenstore][path]") {
    CHECK(parsed("/" + std::string(2047, 'x')) != "EINVAL");
    CHECK(parsed("/" + std::string(2048, 'x')) == "EINVAL");
    CHECK(parsed(std::string(2048, 'x')) != "EINVAL");
    CHECK(parsed(std::string(2049, 'x')) == "EINVAL");
    CHECK(parsed("/local/domain/5/" + std::string(2048, 'x')) != "EINVAL");
    CHECK(parsed("/local/domain/x/" + std::string(2048, 'x')) == "EINVAL");
}

TEST_CASE("names, parents and children belong together", "[xenstore][path]") {
    auto const path = *Path::parse("/a/bc", kHome);
    CHECK(path.name() == "bc");
    CHECK(path.parent().text() == "/a");
    CHECK(path.parent().parent().is_root());
    CHECK(Path{}.parent().is_root());
    CHECK(Path{}.child("a").child("bc") == path);
}

TEST_CASE("components come from the root down, with what was passed", "[xenstore][path]") {
    Components components{"/a/bc/d"};
    std::vector<std::string> seen;
    while (auto const name = components.next()) seen.push_back(fmt::format("{}@{}", *name, components.passed()));
    CHECK(seen == std::vector<std::string>{"a@/a", "bc@/a/bc", "d@/a/bc/d"});
    CHECK_FALSE(Components{"/"}.next());
    CHECK(Components{"/a/bc", "/a"}.next() == "bc");
    CHECK(Components{"/a/bc", "/"}.next() == "a");
}

}  // namespace hospes::xenstore
