// SPDX-License-Identifier: Apache-2.0
// Unpacks the compressed kernel of a bzImage with the libraries that own the formats.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hospes::control {

enum class Compression : std::uint8_t { gzip, xz, zstd, lz4 };

/// By the first bytes. EINVAL names the format when it is a known one that is not supported.
Result<Compression> detect_compression(std::span<std::byte const> payload);

std::string_view name_of(Compression compression);

/// The unpacked size, which Linux' build puts into the last four bytes. EINVAL when it cannot be true.
Result<std::size_t> unpacked_size(std::span<std::byte const> payload);

/// Unpacks `payload` into `output`, which it has to fill exactly. EINVAL when it is damaged.
Status unpack(Compression compression, std::span<std::byte const> payload, std::span<std::byte> output);

}  // namespace hospes::control
