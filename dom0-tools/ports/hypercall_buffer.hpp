// SPDX-License-Identifier: Apache-2.0
// Memory that the hypervisor may copy from and to while a hypercall runs.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <cstddef>
#include <span>
#include <type_traits>

namespace hospes {

/// A region of resident pages (of /dev/xen/hypercall, which the kernel never moves; locked memory where that is missing),
/// given out piece by piece. begin() takes all pieces back, so each hypercall starts with it.
class HypercallBuffer {
public:
    static constexpr std::size_t kSize = 256 * 1024;

    static Result<HypercallBuffer> open();
    HypercallBuffer(HypercallBuffer&& other) noexcept
        : device_{std::move(other.device_)}, memory_{std::exchange(other.memory_, {})}, used_{other.used_} {}
    HypercallBuffer& operator=(HypercallBuffer&&) = delete;
    ~HypercallBuffer();

    void begin() { used_ = 0; }

    /// A zeroed piece of `count` T; a null span when the buffer has no room.
    template <typename T>
    std::span<T> take(std::size_t count) {
        static_assert(std::is_trivially_copyable_v<T>);
        auto const piece = take_bytes(count * sizeof(T));
        return {reinterpret_cast<T*>(piece.data()), piece.size() / sizeof(T)};
    }

    template <typename T>
    T& put(T const& value) {
        auto& place = take<T>(1).front();
        place = value;
        return place;
    }

private:
    HypercallBuffer(UniqueFd device, std::span<std::byte> memory) : device_{std::move(device)}, memory_{memory} {}
    std::span<std::byte> take_bytes(std::size_t size);

    UniqueFd device_;
    std::span<std::byte> memory_;
    std::size_t used_ = 0;
};

}  // namespace hospes
