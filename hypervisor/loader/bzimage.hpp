// SPDX-License-Identifier: Apache-2.0
//
// Finding the compressed kernel inside a bzImage (Documentation/arch/x86/boot.rst of Linux: the real-mode header).
#pragma once

#include "bytes.hpp"
#include "outcome.hpp"

namespace hospes::loader {

enum class Compression { none, gzip, xz, zstd, lz4 };

[[nodiscard]] std::string_view name_of(Compression compression);

/// The ELF image as it sits in the kernel file.
struct Payload {
  Compression compression = Compression::none;
  Bytes packed;
  uint64_t unpacked_size = 0;
};

/// Largest unpacked kernel that is believed: beyond it the size field is taken for damage.
inline constexpr uint64_t kMaxUnpackedKernel = uint64_t{1} << 30;

/// Finds the payload of a bzImage, or takes a plain ELF file for its own payload.
/// `name` is how messages call the file. Errors: neither of the two, boot protocol older than 2.08, a payload that does
/// not lie in the file (cut off), an unknown compression.
Outcome<Payload> find_payload(std::string_view name, Bytes file);

}  // namespace hospes::loader
