// SPDX-License-Identifier: Apache-2.0
// Guest memory by guest virtual address: only buffers a test has made exist, everything else faults. A test can let the n-th access
// fault, and change memory after it has been read: code that reads twice then sees two values. Within one hypercall no byte may be read
// twice at all.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hospes::test {

class FakeGuestMemory {
public:
    // A new buffer of `size` bytes; an unmapped gap follows it.
    GuestAddress allocate(usize size);
    void release(GuestAddress base) { buffers_.erase(base.raw()); }
    // The bytes, or null where something in the range does not exist.
    u8* find(GuestAddress address, usize size);

    void reset() { *this = FakeGuestMemory{}; }

    int fault_after = -1;  // the access after so many good ones faults, and all later ones; negative: never
    std::function<bool(GuestAddress)> is_read_only;  // a write that begins there faults
    std::function<void(GuestAddress, usize)> after_read;
    std::map<u64, unsigned> reads;  // by address

    // A hypercall, or its continuation, begins: from here on each byte read is noted.
    void begin_call();
    // It ends. Empty, or what has been read twice: the guest may have changed it in between.
    std::string end_call();

    bool may_access();
    void note_read(GuestAddress from, usize size);

private:
    bool in_call_ = false;
    std::map<u64, u64> fetched_;  // ranges: first byte, end
    std::string double_fetch_;
    std::map<u64, std::vector<u8>> buffers_;
    u64 next_ = 0x10'0000;
};

FakeGuestMemory& guest_memory();

// An array of T in guest memory, for hypercall arguments.
template <typename T>
class GuestArray {
public:
    explicit GuestArray(usize count = 1) : count_{count}, base_{guest_memory().allocate(count * sizeof(T))} {}
    ~GuestArray() { guest_memory().release(base_); }
    GuestArray(GuestArray const&) = delete;
    GuestArray& operator=(GuestArray const&) = delete;

    u64 address() const { return base_.raw(); }
    T& at(usize index) { return reinterpret_cast<T*>(guest_memory().find(base_, count_ * sizeof(T)))[index]; }
    T& operator*() { return at(0); }
    T* operator->() { return &at(0); }
    T& operator[](usize index) { return at(index); }

private:
    usize count_;
    GuestAddress base_;
};

}  // namespace hospes::test
