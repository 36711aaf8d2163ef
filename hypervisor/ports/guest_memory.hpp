// SPDX-License-Identifier: Apache-2.0
// Guest memory named by a guest virtual address. Each access makes one private copy; nothing here hands out a pointer.
// Link-time seam: machine/user_copy.cpp on the machine, tests/support/fake_guest_memory.cpp on the host.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/strong.hpp"

#include <type_traits>

namespace hospes {

// Copies `size` bytes between the core and the current guest's address space (the kernel root of the current vcpu).
// Errno::fault when a byte cannot be accessed with the guest's own rights or lies in the core's range.
Status copy_from_guest(void* to, GuestAddress from, usize size);
Status copy_to_guest(GuestAddress to, void const* from, usize size);
// The same for a few words of 8 bytes, a constant number: one by one, so that they can go where they are wanted without a copy of them all.
Status copy_words_from_guest(void* to, GuestAddress from, usize size);

// A stack of the current guest, to push a few words of 8 bytes onto.
class [[nodiscard]] GuestStack {
public:
    // The words are to lie below `top`, and are no more than `words`.
    GuestStack(GuestAddress top, usize words);
    ~GuestStack();
    GuestStack(GuestStack const&) = delete;
    GuestStack& operator=(GuestStack const&) = delete;

    // Can the words lie in the guest's range? To be asked before the first is pushed.
    bool is_in_range() const { return lowest_ != 0; }
    // False when the guest itself could not have done it.
    bool push(u64 word);

private:
    u64 lowest_;
    usize left_;
};

// A guest's array of T (an ABI guest handle).
template <typename T>
    requires std::is_trivially_copyable_v<T>
class GuestHandle {
public:
    explicit GuestHandle(GuestAddress base) : base_{base} {}
    explicit GuestHandle(u64 raw) : base_{GuestAddress{raw}} {}

    bool is_null() const { return base_.raw() == 0; }
    GuestAddress address() const { return base_; }
    GuestHandle offset(u64 elements) const { return GuestHandle{base_ + elements * sizeof(T)}; }

    Result<T> read(u64 index = 0) const {
        T copy;
        HV_TRY(copy_from_guest(&copy, base_ + index * sizeof(T), sizeof(T)));
        return copy;
    }
    Status read_into(T& copy, u64 index = 0) const { return copy_from_guest(&copy, base_ + index * sizeof(T), sizeof(T)); }
    Status write(T const& value, u64 index = 0) const {
        return copy_to_guest(base_ + index * sizeof(T), &value, sizeof(T));
    }

private:
    GuestAddress base_;
};

}  // namespace hospes
