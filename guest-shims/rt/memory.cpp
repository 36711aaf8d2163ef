// SPDX-License-Identifier: Apache-2.0
// The four functions a freestanding compiler may call by itself.
#include <stddef.h>
#include <stdint.h>

extern "C" {

void *memcpy(void *to, const void *from, size_t size) {
    void *result = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}

void *memset(void *to, int value, size_t size) {
    void *result = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t size) {
    auto *out = static_cast<uint8_t *>(to);
    const auto *in = static_cast<const uint8_t *>(from);
    if (out <= in || out >= in + size) return memcpy(to, from, size);
    for (size_t left = size; left > 0; --left) out[left - 1] = in[left - 1];
    return to;
}

int memcmp(const void *left, const void *right, size_t size) {
    const auto *a = static_cast<const uint8_t *>(left);
    const auto *b = static_cast<const uint8_t *>(right);
    for (size_t i = 0; i < size; ++i) {
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}
}
