// SPDX-License-Identifier: Apache-2.0
//
// The firmware's console: screen and serial line, as the firmware is set up. Gone after boot services.
#pragma once

#include "efi.hpp"

namespace hospes::loader {

class Console {
 public:
  explicit Console(const Efi& efi);

  /// Prints one line.
  void line(std::string_view text) const;

  /// One line of progress, with the seconds since `start` (a read_tsc() value).
  void stage(std::string_view text, uint64_t start) const;

  /// Shows why the loader stops, waits for a key for half a minute, and returns.
  void stop(const Problem& why) const;

 private:
  void wait_for_key() const;

  const Efi& efi_;
  uint64_t ticks_per_second_;
};

}  // namespace hospes::loader
