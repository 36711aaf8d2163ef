// SPDX-License-Identifier: Apache-2.0
//
// The decoders of dom0's kernel, each in one call from memory to memory. They call no firmware: malloc, free and memory
// functions are all they ask for.
#pragma once

#include "bzimage.hpp"

namespace hospes::loader {

using Target = std::span<unsigned char>;

/// What a decoder says: how much it wrote, or why it stopped.
struct Decoded {
  uint64_t bytes = 0;
  const char* failure = nullptr;  ///< nullptr: none
  uint64_t memory_needed = 0;     ///< with `failure`: would do if malloc had this much; 0: would not
};

/// Unpacks `payload` into `target`. `memory` is how much malloc can give, in bytes.
[[nodiscard]] Decoded decode(const Payload& payload, Target target, uint64_t memory);

/// What `memory` should be for what Linux makes.
[[nodiscard]] uint64_t usual_memory(Compression compression);

/// The xz format (xz-file-format.txt 1.0.4), as far as Linux uses it: CRC32 or no check.
[[nodiscard]] Decoded decode_xz(Bytes packed, Target target, uint64_t memory);

}  // namespace hospes::loader
