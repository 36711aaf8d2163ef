// SPDX-License-Identifier: Apache-2.0
// Guest memory through the guest's own mappings: the address space of the current vcpu is loaded while the core runs for it.
#include "hypervisor/machine/cpu_features.hpp"
#include "hypervisor/machine/fixups.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/guest_pointer.hpp"

namespace hospes {
namespace {

// Lets the core touch user pages while it lives.
class [[nodiscard]] UserAccess {
public:
    [[gnu::always_inline]] UserAccess() {
        if (cpu_features.smap) asm volatile("stac" : : : "memory");
    }
    [[gnu::always_inline]] ~UserAccess() {
        if (cpu_features.smap) asm volatile("clac" : : : "memory");
    }
    UserAccess(UserAccess const&) = delete;
    UserAccess& operator=(UserAccess const&) = delete;
};

// One access of `size`, 4 or 8; returns 0, or `size` when it faulted.
u64 copy_word_with_fixup(void* to, void const* from, usize size) {
    u64 value;
    u64 failed = 0;
#define HV_MOVE(suffix, operand)                                            \
    asm volatile("1: mov" suffix " (%[from]), %" operand "[value]\n"        \
                 "2: mov" suffix " %" operand "[value], (%[to])\n"          \
                 "3:\n" HV_FIXUP("1b", "4f") HV_FIXUP("2b", "4f")           \
                 ".pushsection .text.fixup, \"ax\", @progbits\n"            \
                 "4: mov $8, %k[failed]\n"                                  \
                 "   jmp 3b\n"                                              \
                 ".popsection\n"                                            \
                 : [value] "=&r"(value), [failed] "+r"(failed)               \
                 : [to] "r"(to), [from] "r"(from)                           \
                 : "memory")
    if (size == 8)
        HV_MOVE("q", "");
    else
        HV_MOVE("l", "k");
#undef HV_MOVE
    return failed;
}

// Copies whole words first, so that an aligned word is read and written in one piece; returns the bytes left undone.
u64 copy_with_fixup(void* to, void const* from, usize size) {
    if (size == 8 || size == 4) return copy_word_with_fixup(to, from, size);
    u64 words = size / 8;
    u64 bytes = size % 8;
    if (bytes == 0) {
        asm volatile("1: rep movsq\n2:\n" HV_FIXUP("1b", "2b") : "+c"(words), "+D"(to), "+S"(from) : : "memory");
        return words;
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
    return words;
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
    if (copy_with_fixup(to, reinterpret_cast<void const*>(source), size) != 0) return Errno::fault;
    return {};
}

Status copy_to_guest(GuestAddress to, void const* from, usize size) {
    u64 const target = guest_pointer(to);
    if (target == 0 || size > kLongestGuestMemory) return without_pointer(to, size);
    UserAccess const access;
    if (copy_with_fixup(reinterpret_cast<void*>(target), from, size) != 0) return Errno::fault;
    return {};
}

}  // namespace hospes
