// SPDX-License-Identifier: Apache-2.0
// Logging of a daemon: to standard error, and to a file where one is given. Use spdlog::info(...) and its kin afterwards.
#pragma once

#include <string>
#include <string_view>

namespace hospes {

// `program` starts each line. `level` is trace, debug, info, warn, error; anything else means info.
// `file` may be empty; a file that cannot be opened is reported and done without.
void set_up_log(std::string_view program, std::string_view level = "info", std::string const& file = {});

}  // namespace hospes
