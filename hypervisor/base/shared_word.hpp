// SPDX-License-Identifier: Apache-2.0
// One word in memory that a guest, or another pcpu, may change at any moment. Each access is atomic and happens exactly once;
// what load() gave is the copy to decide on.
#pragma once

#include "hypervisor/base/types.hpp"

#include <concepts>

namespace hospes {

template <std::unsigned_integral T>
class SharedWord {
public:
    // `word` must be aligned to its size.
    explicit SharedWord(T& word) : word_{&word} {}

    T load() const { return __atomic_load_n(word_, __ATOMIC_ACQUIRE); }
    void store(T value) { __atomic_store_n(word_, value, __ATOMIC_RELEASE); }
    T exchange(T value) { return __atomic_exchange_n(word_, value, __ATOMIC_SEQ_CST); }
    T fetch_or(T bits) { return __atomic_fetch_or(word_, bits, __ATOMIC_SEQ_CST); }
    T fetch_and(T bits) { return __atomic_fetch_and(word_, bits, __ATOMIC_SEQ_CST); }

    // Replaces `expected` by `desired`; on failure `expected` is what was found.
    bool compare_exchange(T& expected, T desired) {
        return __atomic_compare_exchange_n(word_, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }

    bool test_bit(unsigned bit) const { return (load() >> bit & 1) != 0; }
    // Both return the bit as it was; written so that the compiler sees one BTS or BTR in them.
    bool test_and_set_bit(unsigned bit) { return (fetch_or(mask(bit)) & mask(bit)) != 0; }
    bool test_and_clear_bit(unsigned bit) { return (fetch_and(static_cast<T>(~mask(bit))) & mask(bit)) != 0; }

private:
    static constexpr T mask(unsigned bit) { return static_cast<T>(T{1} << bit); }

    T* word_;
};

}  // namespace hospes
