// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_guest_memory.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "tests/support/hypervisor/fault_injection.hpp"

#include <algorithm>
#include <cstring>

namespace hospes {

namespace test {

GuestAddress FakeGuestMemory::allocate(usize size) {
    u64 const base = next_;
    buffers_[base].resize(size);
    next_ = (base + size + 2 * kPageSize - 1) & kPageMask;
    return GuestAddress{base};
}

u8* FakeGuestMemory::find(GuestAddress address, usize size) {
    auto after = buffers_.upper_bound(address.raw());
    if (after == buffers_.begin()) return nullptr;
    auto& [base, bytes] = *std::prev(after);
    u64 const offset = address.raw() - base;
    if (offset > bytes.size() || size > bytes.size() - offset) return nullptr;
    return bytes.data() + offset;
}

bool FakeGuestMemory::may_access() {
    if (fault_injection().strikes()) return false;
    if (fault_after < 0) return true;
    if (fault_after == 0) return false;
    --fault_after;
    return true;
}

void FakeGuestMemory::begin_call() {
    in_call_ = true;
    fetched_.clear();
    double_fetch_.clear();
}

std::string FakeGuestMemory::end_call() {
    in_call_ = false;
    return double_fetch_;
}

void FakeGuestMemory::note_read(GuestAddress from, usize size) {
    ++reads[from.raw()];
    if (!in_call_ || size == 0) return;
    u64 const end = from.raw() + size;
    auto const behind = fetched_.lower_bound(end);
    bool const overlaps = behind != fetched_.begin() && std::prev(behind)->second > from.raw();
    if (overlaps && double_fetch_.empty())
        double_fetch_ = "guest memory is read twice, " + std::to_string(size) + " bytes at " + std::to_string(from.raw());
    u64& known_end = fetched_[from.raw()];
    known_end = std::max(known_end, end);
}

FakeGuestMemory& guest_memory() {
    static FakeGuestMemory memory;
    return memory;
}

}  // namespace test

Status copy_from_guest(void* to, GuestAddress from, usize size) {
    auto& memory = test::guest_memory();
    u8 const* bytes = memory.find(from, size);
    if (bytes == nullptr || !memory.may_access()) return Errno::fault;
    std::memcpy(to, bytes, size);
    memory.note_read(from, size);
    if (memory.after_read) memory.after_read(from, size);
    return {};
}

Status copy_to_guest(GuestAddress to, void const* from, usize size) {
    auto& memory = test::guest_memory();
    u8* bytes = memory.find(to, size);
    bool const is_kept = memory.is_read_only && memory.is_read_only(to);
    if (bytes == nullptr || is_kept || !memory.may_access()) return Errno::fault;
    std::memcpy(bytes, from, size);
    return {};
}

Status copy_words_from_guest(void* to, GuestAddress from, usize size) { return copy_from_guest(to, from, size); }

GuestStack::GuestStack(GuestAddress top, usize words) : lowest_{top.raw() - words * sizeof(u64)}, left_{words} {}
GuestStack::~GuestStack() = default;

bool GuestStack::push(u64 word) {
    HV_ASSERT(left_ > 0);
    return copy_to_guest(GuestAddress{lowest_ + --left_ * sizeof word}, &word, sizeof word).ok();
}

}  // namespace hospes
