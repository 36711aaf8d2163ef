// SPDX-License-Identifier: Apache-2.0
// Guest memory through the guest's own mappings: the address space of the current vcpu is loaded while the core runs for it.
#include "hypervisor/base/assert.hpp"
#include "hypervisor/machine/cpu_features.hpp"
#include "hypervisor/machine/fixups.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/guest_pointer.hpp"

namespace hospes {
namespace {

[[gnu::always_inline]] inline void allow_user_access() {
    if (cpu_features.smap) asm volatile("stac" : : : "memory");
}

[[gnu::always_inline]] inline void forbid_user_access() {
    if (cpu_features.smap) asm volatile("clac" : : : "memory");
}

// Lets the core touch user pages while it lives.
class [[nodiscard]] UserAccess {
public:
    [[gnu::always_inline]] UserAccess() { allow_user_access(); }
    [[gnu::always_inline]] ~UserAccess() { forbid_user_access(); }
    UserAccess(UserAccess const&) = delete;
    UserAccess& operator=(UserAccess const&) = delete;
};

// One access of a word of the guest's. When it faults, the word is 0 and `faulted` becomes true.
template <typename Word>
[[gnu::always_inline]] inline Word load_word(Word const* from, bool& faulted) {
    Word word;
    asm volatile(
        "1: mov %[from], %[word]\n"
        "2:\n" HV_FIXUP("1b", "3f")
        ".pushsection .text.fixup, \"ax\", @progbits\n"
        "3: xor %k[word], %k[word]\n"
        "   mov $1, %[faulted]\n"
        "   jmp 2b\n"
        ".popsection\n"
        : [word] "=r"(word), [faulted] "+r"(faulted)
        : [from] "m"(*from)
        : "memory");
    return word;
}

// The other way; false when it faulted.
template <typename Word>
[[gnu::always_inline]] inline bool store_word(Word* to, void const* from) {
    Word word;
    __builtin_memcpy(&word, from, sizeof word);
    asm goto("1: mov %[word], %[to]\n" HV_FIXUP("1b", "%l[fault]") : : [word] "r"(word), [to] "m"(*to) : "memory" : fault);
    return true;
fault:
    return false;
}

// A few words. False when an access faulted; so it is below.
template <typename Word>
[[gnu::always_inline]] inline bool load_words(void* to, u64 from, usize count) {
    bool faulted = false;
#pragma GCC unroll 16
    for (usize i = 0; i < count; ++i) {
        Word const word = load_word(reinterpret_cast<Word const*>(from) + i, faulted);
        __builtin_memcpy(static_cast<Word*>(to) + i, &word, sizeof word);
    }
    return !faulted;
}

// Any number of bytes. Whole words come first, so that an aligned word is read and written in one piece.
bool copy_bytes(void* to, void const* from, usize size) {
    u64 words = size / 8;
    u64 bytes = size % 8;
    if (bytes == 0) {
        asm volatile("1: rep movsq\n2:\n" HV_FIXUP("1b", "2b") : "+c"(words), "+D"(to), "+S"(from) : : "memory");
        return words == 0;
    }
    asm volatile(
        "1: rep movsq\n"
        "   mov %[bytes], %%rcx\n"
        "   xor %k[bytes], %k[bytes]\n"
        "2: rep movsb\n"
        "3:\n" HV_FIXUP("1b", "4f") HV_FIXUP("2b", "3b")
        ".pushsection .text.fixup, \"ax\", @progbits\n"
        "4: lea (%[bytes], %%rcx, 8), %%rcx\n"
        "   jmp 3b\n"
        ".popsection\n"
        : "+c"(words), "+D"(to), "+S"(from), [bytes] "+r"(bytes)
        :
        : "memory");
    return words == 0;
}

bool load(void* to, u64 from, usize size) {
    if (size == 8) return load_words<u64>(to, from, 1);
    if (size == 4) return load_words<u32>(to, from, 1);
    return copy_bytes(to, reinterpret_cast<void const*>(from), size);
}

bool store(u64 to, void const* from, usize size) {
    if (size == 8) return store_word(reinterpret_cast<u64*>(to), from);
    if (size == 4) return store_word(reinterpret_cast<u32*>(to), from);
    return copy_bytes(reinterpret_cast<void*>(to), from, size);
}

// Who has no pointer, and says that there is nothing behind it, is served.
[[gnu::always_inline]] inline Status without_pointer(GuestAddress address, usize size) {
    if (address.raw() == 0 && size == 0) return {};
    return Errno::fault;
}

}  // namespace

Status copy_from_guest(void* to, GuestAddress from, usize size) {
    u64 const source = guest_pointer(from);
    if (source == 0 || size > kLongestGuestMemory) return without_pointer(from, size);
    UserAccess const access;
    if (!load(to, source, size)) return Errno::fault;
    return {};
}

Status copy_to_guest(GuestAddress to, void const* from, usize size) {
    u64 const target = guest_pointer(to);
    if (target == 0 || size > kLongestGuestMemory) return without_pointer(to, size);
    UserAccess const access;
    if (!store(target, from, size)) return Errno::fault;
    return {};
}

Status copy_words_from_guest(void* to, GuestAddress from, usize size) {
    u64 const source = guest_pointer(from);
    if (source == 0) return Errno::fault;
    UserAccess const access;
    if (!load_words<u64>(to, source, size / sizeof(u64))) return Errno::fault;
    return {};
}

GuestStack::GuestStack(GuestAddress top, usize words) : lowest_{guest_pointer(top - words * sizeof(u64))}, left_{words} {
    allow_user_access();
}

GuestStack::~GuestStack() { forbid_user_access(); }

bool GuestStack::push(u64 word) {
    HV_ASSERT(left_ > 0);
    return store_word(reinterpret_cast<u64*>(lowest_) + --left_, &word);
}

}  // namespace hospes
