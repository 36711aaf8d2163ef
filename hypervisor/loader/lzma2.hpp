// SPDX-License-Identifier: Apache-2.0
//
// LZMA2 from memory to memory: the chunks here, the LZMA in them by the LZMA SDK's decoder (Debian: lzma-dev), whose
// inner loop fits into one 4 KiB page of code and works in the target without a dictionary of its own. Under QEMU's TCG
// that makes it twice as fast as liblzma's.
#pragma once

#include "bytes.hpp"

namespace hospes::loader {

/// How far an LZMA2 stream was read and written.
struct Lzma2Result {
  bool good = false;      ///< its end mark was reached
  uint64_t read = 0;      ///< bytes, end mark included
  uint64_t written = 0;
};

/// Decodes the LZMA2 stream at the start of `packed` into `target`. `dictionary` is its dictionary size in bytes.
/// Not good: damaged, cut off, longer than the target, or malloc failed.
[[nodiscard]] Lzma2Result decode_lzma2(Bytes packed, std::span<unsigned char> target, uint32_t dictionary);

}  // namespace hospes::loader
