// SPDX-License-Identifier: Apache-2.0
// The Linux boot file (bzImage): where its compressed kernel lies. Source: Linux' x86 boot protocol, 2.08 and later.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstddef>
#include <span>

namespace hospes::control {

/// Whether the file has a Linux boot header ("HdrS").
bool is_bzimage(std::span<std::byte const> file);

/// The compressed kernel inside, its last four bytes (the unpacked size) included.
/// EINVAL with the reason: cut off, or of a protocol too old to say where the kernel is.
Result<std::span<std::byte const>> bzimage_payload(std::span<std::byte const> file);

}  // namespace hospes::control
