// SPDX-License-Identifier: Apache-2.0
// The functions of <cstring> that compilers call by themselves. Word loops: REP string instructions take long to begin, and emulated
// processors run them slowly. Pages are copied by them: processors move whole cache lines then, and emulated ones lose little.
#include "hypervisor/base/types.hpp"

using hospes::u64;
using hospes::u8;
using hospes::usize;

namespace {

struct [[gnu::packed, gnu::may_alias]] Word {
    u64 value;
};

constexpr usize kBlock = 8 * sizeof(Word);
constexpr usize kLeastByRep = 64 * sizeof(Word);

// Moves as many blocks as there are.
template <usize kBytes>
[[gnu::always_inline, gnu::optimize("no-tree-loop-distribute-patterns")]] inline void copy_blocks(u8*& to, u8 const*& from, usize& size) {
    for (; size >= kBytes; size -= kBytes, to += kBytes, from += kBytes) {
        auto* const out = reinterpret_cast<Word*>(to);
        auto const* const in = reinterpret_cast<Word const*>(from);
#pragma GCC unroll 8
        for (unsigned i = 0; i < kBytes / sizeof(Word); ++i) out[i].value = in[i].value;
    }
}

}  // namespace

extern "C" {

[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memset(void* to, int value, usize size) {
    auto* byte = static_cast<u8*>(to);
    u64 const pattern = 0x0101'0101'0101'0101 * static_cast<u8>(value);
    for (; size >= kBlock; size -= kBlock, byte += kBlock) {
        auto* const words = reinterpret_cast<Word*>(byte);
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; ++i) words[i].value = pattern;
    }
    for (; size > 0; --size) *byte++ = static_cast<u8>(value);
    return to;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memcpy(void* to, void const* from, usize size) {
    auto* target = static_cast<u8*>(to);
    auto const* source = static_cast<u8 const*>(from);
    if (size >= kLeastByRep) {
        usize words = size / sizeof(Word);
        asm volatile("rep movsq" : "+c"(words), "+D"(target), "+S"(source) : : "memory");
        size %= sizeof(Word);
    }
    copy_blocks<kBlock>(target, source, size);
    copy_blocks<sizeof(Word)>(target, source, size);
    for (; size > 0; --size) *target++ = *source++;
    return to;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memmove(void* to, void const* from, usize size) {
    auto* const target = static_cast<u8*>(to);
    auto const* const source = static_cast<u8 const*>(from);
    if (target <= source || target >= source + size) return memcpy(to, from, size);
    while (size > 0) {
        --size;
        target[size] = source[size];
    }
    return to;
}

int memcmp(void const* a, void const* b, usize size) {
    auto const* const left = static_cast<u8 const*>(a);
    auto const* const right = static_cast<u8 const*>(b);
    for (usize i = 0; i < size; ++i) {
        if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
    }
    return 0;
}

void* memchr(void const* in, int value, usize size) {
    auto const* const bytes = static_cast<u8 const*>(in);
    for (usize i = 0; i < size; ++i) {
        if (bytes[i] == static_cast<u8>(value)) return const_cast<u8*>(bytes + i);
    }
    return nullptr;
}

}  // extern "C"
