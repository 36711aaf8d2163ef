// SPDX-License-Identifier: Apache-2.0
// Little-endian values at byte offsets of untrusted data: nothing is read beyond its end.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace hospes::control {

/// The T at `offset`; nothing when it does not lie inside.
template <typename T>
std::optional<T> read_at(std::span<std::byte const> data, std::size_t offset) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (offset > data.size() || sizeof(T) > data.size() - offset) return std::nullopt;
    T value;
    std::memcpy(&value, data.data() + offset, sizeof(T));
    return value;
}

/// `size` bytes at `offset`; nothing when they do not lie inside.
inline std::optional<std::span<std::byte const>> slice(std::span<std::byte const> data, std::size_t offset,
                                                       std::size_t size) {
    if (offset > data.size() || size > data.size() - offset) return std::nullopt;
    return data.subspan(offset, size);
}

/// Whether there is nothing but zeroes: the first byte is one, and each is like the byte before it. Many times as fast as a
/// loop over the bytes.
inline bool is_zero(std::span<std::byte const> data) {
    return data.empty() || (data[0] == std::byte{0} && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0);
}

}  // namespace hospes::control
