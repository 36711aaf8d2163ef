// SPDX-License-Identifier: Apache-2.0
// The fuzzer's bytes, taken one number after the other; when they are used up, all numbers are 0.
#pragma once

#include "hypervisor/base/types.hpp"

#include <span>

namespace hospes::test {

class FuzzInput {
public:
    FuzzInput(u8 const* data, usize size) : rest_{data, size} {}

    bool is_empty() const { return rest_.empty(); }
    u8 byte() {
        if (rest_.empty()) return 0;
        u8 const value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }
    template <typename T>
    T number() {
        T value = 0;
        for (usize i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | byte());
        return value;
    }
    // Mostly small, sometimes anything.
    template <typename T>
    T small_or_any(u8 below) {
        u8 const choice = byte();
        return choice < 240 ? static_cast<T>(choice % below) : number<T>();
    }

private:
    std::span<u8 const> rest_;
};

}  // namespace hospes::test
