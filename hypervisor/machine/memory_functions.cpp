// SPDX-License-Identifier: Apache-2.0
// The functions of <cstring> that compilers call by themselves. Word loops: emulated processors run REP string instructions slowly.
#include "hypervisor/base/types.hpp"

using hospes::u64;
using hospes::u8;
using hospes::usize;

namespace {

struct [[gnu::packed, gnu::may_alias]] Word {
    u64 value;
};

constexpr usize kBlock = 8 * sizeof(Word);

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
    for (; size >= kBlock; size -= kBlock, target += kBlock, source += kBlock) {
        auto* const out = reinterpret_cast<Word*>(target);
        auto const* const in = reinterpret_cast<Word const*>(source);
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; ++i) out[i].value = in[i].value;
    }
    for (; size >= sizeof(Word); size -= sizeof(Word), target += sizeof(Word), source += sizeof(Word)) {
        reinterpret_cast<Word*>(target)->value = reinterpret_cast<Word const*>(source)->value;
    }
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
