// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

namespace hospes::guest {

size_t text_length(const char *text) {
    size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}

bool text_equal(const char *left, const char *right) {
    while (*left != '\0' && *left == *right) ++left, ++right;
    return *left == *right;
}

bool text_starts_with(const char *text, const char *prefix) {
    while (*prefix != '\0') {
        if (*text++ != *prefix++) return false;
    }
    return true;
}

namespace {

class Writer {
public:
    Writer(char *out, size_t size) : out_(out), size_(size) {}
    void put(char character) {
        if (length_ + 1 < size_) out_[length_++] = character;
    }
    void put_padded(const char *text, size_t length, size_t width, char fill) {
        for (size_t i = length; i < width; ++i) put(fill);
        for (size_t i = 0; i < length; ++i) put(text[i]);
    }
    size_t finish() {
        out_[length_] = '\0';
        return length_;
    }

private:
    char *out_;
    size_t size_;
    size_t length_ = 0;
};

void put_number(Writer &writer, u64 value, unsigned base, bool negative, size_t width, char fill) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) digits[--at] = '-';
    writer.put_padded(digits + at, sizeof digits - at, width, fill);
}

struct Conversion {
    char fill = ' ';
    size_t width = 0;
    bool is_long = false;
    char kind = '\0';
};

const char *read_conversion(const char *format, Conversion &conversion) {
    if (*format == '0') conversion.fill = '0';
    for (; *format >= '0' && *format <= '9'; ++format) conversion.width = conversion.width * 10 + static_cast<size_t>(*format - '0');
    for (; *format == 'l' || *format == 'z'; ++format) conversion.is_long = true;
    conversion.kind = *format;
    return *format == '\0' ? format : format + 1;
}

}  // namespace

size_t format_text(char *out, size_t size, const char *format, va_list arguments) {
    Writer writer(out, size);
    while (*format != '\0') {
        if (*format != '%') {
            writer.put(*format++);
            continue;
        }
        Conversion c;
        format = read_conversion(format + 1, c);
        if (c.kind == 's') {
            const char *text = va_arg(arguments, const char *);
            writer.put_padded(text, text_length(text), c.width, ' ');
        } else if (c.kind == 'c') {
            writer.put(static_cast<char>(va_arg(arguments, int)));
        } else if (c.kind == 'd') {
            const i64 value = c.is_long ? va_arg(arguments, i64) : va_arg(arguments, i32);
            put_number(writer, value < 0 ? 0 - static_cast<u64>(value) : static_cast<u64>(value), 10, value < 0, c.width, c.fill);
        } else if (c.kind == 'u' || c.kind == 'x') {
            const u64 value = c.is_long ? va_arg(arguments, u64) : va_arg(arguments, u32);
            put_number(writer, value, c.kind == 'u' ? 10 : 16, false, c.width, c.fill);
        } else if (c.kind != '\0') {
            writer.put(c.kind);
        }
    }
    return writer.finish();
}

bool parse_number(const char *text, u64 &value) {
    const bool hex = text_starts_with(text, "0x");
    const char *at = hex ? text + 2 : text;
    const char *first = at;
    u64 result = 0;
    for (;; ++at) {
        unsigned digit = 0;
        if (*at >= '0' && *at <= '9') digit = static_cast<unsigned>(*at - '0');
        else if (hex && *at >= 'a' && *at <= 'f') digit = static_cast<unsigned>(*at - 'a') + 10;
        else break;
        result = result * (hex ? 16 : 10) + digit;
    }
    value = result;
    return at != first;
}

}  // namespace hospes::guest
