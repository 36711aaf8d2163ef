// SPDX-License-Identifier: Apache-2.0
// Included before everything else in the explorer's program (-include): each atomic access of the core becomes a step at which the
// explorer may let another actor go on. Stores that are not sequentially consistent wait in the actor's store buffer, as on x86
// (SDM vol. 3, 8.2.3.4: a load may pass an older store).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <concepts>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hospes::explorer {

// The calling actor is about to access `where`; returns when it is its turn.
void step(void const* where, bool writes);
// Puts a store into the actor's buffer. False: it is to be done at once.
bool buffer_store(void* where, unsigned size, unsigned long value);
// The actor's own youngest store to `where` that is still in its buffer.
bool find_buffered(void const* where, unsigned long& value);
// The actor spins until another one has written anything.
void step_aside();
// Does all stores of the actor's buffer, oldest first.
void drain();

template <typename T>
unsigned long to_word(T value) {
    static_assert(sizeof(T) <= sizeof(unsigned long));
    unsigned long word = 0;
    std::memcpy(&word, static_cast<void const*>(&value), sizeof value);
    return word;
}
template <typename T>
T from_word(unsigned long word) {
    T value;
    std::memcpy(static_cast<void*>(&value), &word, sizeof value);
    return value;
}

template <typename T>
T load(T const* where) {
    unsigned long word = 0;
    if (find_buffered(where, word)) return from_word<T>(word);
    step(where, false);
    return *where;
}
template <typename T>
void store(T* where, T value, bool is_ordered) {
    if (!is_ordered && buffer_store(where, sizeof(T), to_word(value))) return;
    drain();
    step(where, true);
    *where = value;
}
// A locked read-modify-write.
template <typename T, typename Change>
T change(T* where, Change what) {
    drain();
    step(where, true);
    T const before = *where;
    *where = what(before);
    return before;
}
template <typename T>
bool compare_exchange(T* where, T* expected, T desired) {
    drain();
    step(where, true);
    if (std::memcmp(static_cast<void*>(where), static_cast<void*>(expected), sizeof(T)) == 0) {
        *where = desired;
        return true;
    }
    *expected = *where;
    return false;
}

}  // namespace hospes::explorer

namespace std {

template <typename T>
class hospes_atomic {
public:
    constexpr hospes_atomic() : value_{} {}
    constexpr hospes_atomic(T value) : value_{value} {}
    hospes_atomic(hospes_atomic const&) = delete;
    hospes_atomic& operator=(hospes_atomic const&) = delete;

    T load(memory_order = memory_order_seq_cst) const { return hospes::explorer::load(&value_); }
    void store(T value, memory_order order = memory_order_seq_cst) { hospes::explorer::store(&value_, value, order == memory_order_seq_cst); }
    T exchange(T value, memory_order = memory_order_seq_cst) {
        return hospes::explorer::change(&value_, [&](T) { return value; });
    }
    T fetch_add(T count, memory_order = memory_order_seq_cst) {
        return hospes::explorer::change(&value_, [&](T before) { return static_cast<T>(before + count); });
    }
    T fetch_sub(T count, memory_order = memory_order_seq_cst) {
        return hospes::explorer::change(&value_, [&](T before) { return static_cast<T>(before - count); });
    }
    T fetch_or(T bits, memory_order = memory_order_seq_cst) {
        return hospes::explorer::change(&value_, [&](T before) { return static_cast<T>(before | bits); });
    }
    T fetch_and(T bits, memory_order = memory_order_seq_cst) {
        return hospes::explorer::change(&value_, [&](T before) { return static_cast<T>(before & bits); });
    }
    bool compare_exchange_strong(T& expected, T desired, memory_order = memory_order_seq_cst, memory_order = memory_order_seq_cst) {
        return hospes::explorer::compare_exchange(&value_, &expected, desired);
    }
    bool compare_exchange_weak(T& expected, T desired, memory_order success = memory_order_seq_cst, memory_order failure = memory_order_seq_cst) {
        return compare_exchange_strong(expected, desired, success, failure);
    }
    operator T() const { return load(); }
    T operator=(T value) {
        store(value);
        return value;
    }
    T operator++() { return static_cast<T>(fetch_add(1) + 1); }
    T operator--() { return static_cast<T>(fetch_sub(1) - 1); }
    T operator+=(T count) { return static_cast<T>(fetch_add(count) + count); }
    T operator-=(T count) { return static_cast<T>(fetch_sub(count) - count); }

private:
    T value_;
};

}  // namespace std

#define atomic hospes_atomic
#define __atomic_load_n(where, order) ::hospes::explorer::load(where)
#define __atomic_store_n(where, value, order) \
    ::hospes::explorer::store(where, static_cast<std::remove_reference_t<decltype(*(where))>>(value), (order) == __ATOMIC_SEQ_CST)
#define __atomic_exchange_n(where, value, order) \
    ::hospes::explorer::change(where, [&](auto) { return static_cast<std::remove_reference_t<decltype(*(where))>>(value); })
#define __atomic_fetch_or(where, bits, order) \
    ::hospes::explorer::change(where, [&](auto before) { return static_cast<decltype(before)>(before | (bits)); })
#define __atomic_fetch_and(where, bits, order) \
    ::hospes::explorer::change(where, [&](auto before) { return static_cast<decltype(before)>(before & (bits)); })
#define __atomic_compare_exchange_n(where, expected, desired, weak, success, failure) ::hospes::explorer::compare_exchange(where, expected, desired)
#define __atomic_load(where, to, order) (void)(*(to) = ::hospes::explorer::load(where))
#define __atomic_store(where, from, order) ::hospes::explorer::store(where, *(from), false)
#define __builtin_ia32_pause() ::hospes::explorer::step_aside()
