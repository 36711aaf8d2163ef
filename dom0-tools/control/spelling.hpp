// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hospes::control {

/// The number of letters to insert, drop, change or swap with their neighbour to make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word that somebody who wrote `word` most likely meant; nothing when none is near enough.
std::optional<std::string> nearest_spelling(std::string_view word, std::vector<std::string_view> const& known);

}  // namespace hospes::control
