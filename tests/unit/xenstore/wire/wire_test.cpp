// SPDX-License-Identifier: Apache-2.0
#include "xenstore/wire/error_name.hpp"
#include "xenstore/wire/message.hpp"
#include "xenstore/wire/permission.hpp"
#include "xenstore/wire/strings.hpp"

#include <catch2/catch.hpp>

namespace hospes::xenstore {

using namespace std::string_view_literals;

TEST_CASE("a header is four little-endian words", "[xenstore][wire]") {
    Header const header{.type = MessageType::read, .request_id = 7, .transaction = 0x1122, .length = 0x15};
    auto const bytes = encode(header);
    CHECK(std::string_view{bytes.data(), bytes.size()} == "\x02\0\0\0\x07\0\0\0\x22\x11\0\0\x15\0\0\0"sv);
    CHECK(decode(bytes) == header);
}

TEST_CASE("errors cross the wire by name, and an unknown name means EINVAL", "[xenstore][wire]") {
    auto const error = GENERATE(WireError::invalid, WireError::not_found, WireError::again, WireError::too_big, WireError::not_permitted);
    CHECK(error_named(name_of(error)) == error);
    CHECK(name_of(WireError::not_found) == "ENOENT");
    CHECK(error_named("EQUOTA") == WireError::invalid);
}

TEST_CASE("a payload splits into strings only if each has its NUL", "[xenstore][wire]") {
    auto const strings = split_strings("a\0\0bc\0"sv);
    REQUIRE(strings);
    CHECK(*strings == std::vector{"a"sv, ""sv, "bc"sv});
    CHECK(split_strings(""sv)->empty());
    CHECK_FALSE(split_strings("a\0b"sv));
    CHECK(single_string("path\0"sv) == "path"sv);
    CHECK_FALSE(single_string("path"sv));
    CHECK_FALSE(single_string("path\0x\0"sv));
}

TEST_CASE("numbers are decimal digits and nothing else", "[xenstore][wire]") {
    CHECK(parse_number<u16>("65535") == 65535);
    CHECK_FALSE(parse_number<u16>("65536"));
    CHECK_FALSE(parse_number<u16>("5x"));
    CHECK_FALSE(parse_number<u16>("-1"));
    CHECK_FALSE(parse_number<u16>(""));
}

TEST_CASE("a permission is a letter and a domain", "[xenstore][wire]") {
    auto const text = GENERATE("n0", "r5", "w32752", "b7");
    auto const permission = parse_permission(text);
    REQUIRE(permission);
    CHECK(to_string(*permission) == text);
    CHECK_FALSE(parse_permission("x0"));
    CHECK_FALSE(parse_permission("r"));
    CHECK_FALSE(parse_permission("r70000"));
    CHECK_FALSE(parse_permission(""));
}

}  // namespace hospes::xenstore
