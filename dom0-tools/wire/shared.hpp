// SPDX-License-Identifier: Apache-2.0
// One look at memory that a hostile domain may change at any moment. A value is loaded once, into a local; decisions are
// made on that local. (C++20, so that clang's fuzzer can build it.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace hospes::wire {

// A 32-bit word of a shared page.
class SharedWord {
public:
    explicit SharedWord(std::byte* address) : address_{reinterpret_cast<std::uint32_t*>(address)} {}

    // What the other side published before this value is visible after it.
    std::uint32_t load() const { return __atomic_load_n(address_, __ATOMIC_ACQUIRE); }
    // What we wrote before is visible to whoever sees this value.
    void store(std::uint32_t value) { __atomic_store_n(address_, value, __ATOMIC_RELEASE); }

private:
    std::uint32_t* address_;
};

// A store followed by a load of another word must not be swapped (x86 would): both sides of a ring rely on it.
inline void full_barrier() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// A private copy of a structure in shared memory. The compiler can neither read it twice nor read it later.
template <typename T>
T copy_once(std::byte const* source) {
    static_assert(std::is_trivially_copyable_v<T>);
    T copy;
    std::memcpy(&copy, source, sizeof copy);
    __asm__ __volatile__("" : : : "memory");
    return copy;
}

}  // namespace hospes::wire
