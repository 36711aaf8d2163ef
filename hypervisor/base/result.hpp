// SPDX-License-Identifier: Apache-2.0
// Errors are values: Result<T> holds a T or an Errno, Status is a Result without a value.
// (std::expected would do, but clang 14, which has the fuzzer, does not know it.)
#pragma once

#include "hypervisor/base/types.hpp"

#include <new>
#include <type_traits>
#include <utility>

namespace hospes {

// Numbers of Xen's public ABI (xen/errno.h). `restart` never reaches a guest: it asks for a continuation.
enum class Errno : i32 {
    perm = 1,
    no_entry = 2,
    no_such_domain = 3,
    io = 5,
    no_exec = 8,
    again = 11,
    no_memory = 12,
    access = 13,
    fault = 14,
    busy = 16,
    exists = 17,
    no_device = 19,
    invalid = 22,
    no_space = 28,
    no_system_call = 38,
    no_data = 61,
    time = 62,
    restart = 85,
    not_supported = 95,
    no_buffers = 105,
};

// The value a guest sees for an error: the negative number of the ABI.
constexpr i64 to_abi(Errno error) { return -static_cast<i64>(error); }

template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : ok_{true} { ::new (static_cast<void*>(&storage_)) T(std::move(value)); }  // NOLINT: implicit on purpose
    Result(Errno error) : error_{error} {}                                                      // NOLINT: implicit on purpose
    Result(Result&& other) noexcept : ok_{other.ok_}, error_{other.error_} {
        if (ok_) ::new (static_cast<void*>(&storage_)) T(std::move(other.value()));
    }
    Result(Result const&) = delete;
    Result& operator=(Result const&) = delete;
    Result& operator=(Result&&) = delete;
    ~Result() {
        if (ok_) value().~T();
    }

    bool ok() const { return ok_; }
    explicit operator bool() const { return ok_; }
    Errno error() const { return error_; }
    T& value() { return *std::launder(reinterpret_cast<T*>(&storage_)); }
    T const& value() const { return *std::launder(reinterpret_cast<T const*>(&storage_)); }
    T& operator*() { return value(); }
    T* operator->() { return &value(); }
    T take() { return std::move(value()); }

private:
    bool ok_ = false;
    Errno error_{};
    alignas(T) unsigned char storage_[sizeof(T)];
};

// Of a plain value, as most are: it comes back in registers. No error is 0.
template <typename T>
    requires std::is_trivially_copyable_v<T>
class [[nodiscard]] Result<T> {
public:
    Result(T value) : value_{value} {}               // NOLINT: implicit on purpose
    Result(Errno error) : none_{}, error_{error} {}  // NOLINT: implicit on purpose
    Result(Result&&) = default;
    Result(Result const&) = delete;
    Result& operator=(Result const&) = delete;
    Result& operator=(Result&&) = delete;

    bool ok() const { return error_ == Errno{}; }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }
    T& value() { return value_; }
    T const& value() const { return value_; }
    T& operator*() { return value_; }
    T* operator->() { return &value_; }
    T take() { return value_; }

private:
    struct None {};
    union {
        T value_;
        None none_;
    };
    Errno error_{};
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Errno error) : error_{error} {}  // NOLINT: implicit on purpose

    bool ok() const { return error_ == Errno{}; }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }
    void take() const {}

private:
    Errno error_{};
};

using Status = Result<void>;

// HV_TRY(expr): the value of a successful Result, or return its error from this function.
#define HV_TRY(expression)                                     \
    __extension__({                                            \
        auto hv_result_ = (expression);                        \
        if (!hv_result_.ok()) return hv_result_.error();       \
        hv_result_.take();                                     \
    })

}  // namespace hospes
