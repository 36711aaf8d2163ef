// SPDX-License-Identifier: Apache-2.0
// The core's options: "key=value key" words from hospes.cfg.
#pragma once

#include "hypervisor/base/types.hpp"

#include <string_view>

namespace hospes {

// The whole text; set once at boot, and alive for ever.
void set_command_line(std::string_view text);
std::string_view command_line();

// Is the word `key` there, alone or with a value?
bool has_option(std::string_view key);
// The value of "key=value"; empty when absent. The last one counts.
std::string_view option_value(std::string_view key);
// A plain number; `fallback` when the option is absent or none.
u64 option_number(std::string_view key, u64 fallback);
// A size like 512M, 2G, 65536K or bytes; `fallback` when the option is absent or no size.
u64 option_size(std::string_view key, u64 fallback);

}  // namespace hospes
