// SPDX-License-Identifier: Apache-2.0
//
// Unpacking a kernel with the libraries' own decoders (liblzma, libzstd, liblz4, zlib).
#pragma once

#include "bzimage.hpp"
#include "pages.hpp"

namespace hospes::loader {

/// The kernel's ELF file, unpacked into memory of its own.
/// `name` is how messages call the kernel file. Errors: damaged or cut off data, out of memory.
Outcome<Pages> unpack(const Efi& efi, std::string_view name, const Payload& payload);

}  // namespace hospes::loader
