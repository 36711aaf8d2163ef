// SPDX-License-Identifier: Apache-2.0
// The domain XML we know: one row an element or attribute, on one of three lists. Nothing is dropped silently.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hospes::control {

/// The three lists. Whatever has no row is unknown, and an error.
enum class Support : std::uint8_t {
    supported,
    no_effect,  ///< accepted, with one warning; what is inside is not looked at
    refused,    ///< an error; the row's note says why
};

/// What may stand inside an element.
enum class Holds : std::uint8_t { text, elements, nothing, anything };

/// How often an element may stand in its parent (an attribute: required or not).
enum class Count : std::uint8_t { optional, required, many };

struct Rule {
    std::string_view path;  ///< "domain/os/kernel", attributes as "domain/memory/@unit"
    Support support;
    Holds holds = Holds::text;
    Count count = Count::optional;
    std::string_view values = {};  ///< the texts allowed, as "file|block"; empty: any
    std::string_view note = {};    ///< required: an example; no_effect, refused: the reason; values: a hint
};

/// All rows, in the order of the documentation.
std::span<Rule const> dialect();

/// The row of a path, or nullptr.
Rule const* find_rule(std::string_view path);

/// The names of the elements (or attributes) that have a row directly below `path`.
std::vector<std::string_view> names_below(std::string_view path, bool attributes);

}  // namespace hospes::control
