// SPDX-License-Identifier: Apache-2.0
//
// hospes.cfg: lines of `key = value`, `#` starts a comment at the beginning of a line or after a blank.
// Knows the loader's own keys; every other key is an option of the core and is handed to it as `key=value`.
#pragma once

#include "outcome.hpp"

namespace hospes::loader {

inline constexpr size_t kMaxConfigBytes = 16384;
inline constexpr size_t kMaxPath = 200;

/// Longest command line that start_info can hold (MAX_GUEST_CMDLINE less the NUL).
inline constexpr size_t kMaxDom0Command = 1023;

/// What hospes.cfg says. The views point into the text given to parse_config, `core_options` apart.
struct Config {
  std::string_view kernel;        ///< path, never empty
  std::string_view ramdisk;       ///< path, empty: none
  std::string_view kernel_args;   ///< dom0's command line
  BoundedText<1000> core_options;  ///< "key=value key=value ..."
};

/// Reads hospes.cfg. `name` is how messages call the file.
/// Errors: bytes that are not printable ASCII, lines that are not `key = value`, keys given twice or misspelt, a missing
/// kernel, values too long for their use. Each names file and line.
Outcome<Config> parse_config(std::string_view name, std::string_view text);

}  // namespace hospes::loader
