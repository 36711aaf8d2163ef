// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/session.hpp"

#include <catch2/catch.hpp>

using hospes::consoled::Session;

TEST_CASE("a client's first line names the domain and what it wants", "[consoled][session]") {
    auto request = Session::parse_request(R"({"domain":"web","mode":"ro"})");
    REQUIRE(request.has_value());
    CHECK(request->domain == "web");
    CHECK(!request->wants_input);
    request = Session::parse_request(R"({"domain":7,"mode":"rw"})");
    REQUIRE(request.has_value());
    CHECK(request->domain == "7");
    CHECK(request->wants_input);
    CHECK(Session::parse_request(R"({"domain":"web"})")->wants_input);
}

TEST_CASE("any other first line is answered with what is expected", "[consoled][session]") {
    auto const line = GENERATE("", "web", "[]", "{", R"({"mode":"rw"})", R"({"domain":"web","mode":"x"})", R"({"domain":null})", R"({"domain":-1})", R"({"domain":""})", R"({"domain":"web","mode":3})");
    auto const request = Session::parse_request(line);
    REQUIRE(!request.has_value());
    CHECK(request.error().message().find("the first line must be") == 0);
}
