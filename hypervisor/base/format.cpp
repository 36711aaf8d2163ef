// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/base/format.hpp"

namespace hospes {
namespace {

struct Directive {
    bool zero_fill = false;
    bool left = false;
    unsigned width = 0;
    bool has_precision = false;
    unsigned precision = 0;
    unsigned longs = 0;  // of the length modifier: 0 int, 1 and more 64 bits
};

class Writer {
public:
    Writer(char* buffer, usize size) : buffer_{buffer}, size_{size} {}

    void put(char c) {
        if (used_ + 1 < size_) buffer_[used_++] = c;
    }
    void fill(char c, usize count) {
        for (; count > 0; --count) put(c);
    }
    void padded(char const* text, usize length, Directive const& how) {
        usize const padding = how.width > length ? how.width - length : 0;
        if (!how.left) fill(' ', padding);
        for (usize i = 0; i < length; ++i) put(text[i]);
        if (how.left) fill(' ', padding);
    }
    void number(u64 value, bool negative, unsigned base, Directive const& how) {
        char digits[24];
        usize count = 0;
        do {
            digits[sizeof digits - ++count] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        if (how.zero_fill && !how.left) {
            usize const signs = negative ? 1 : 0;
            if (negative) put('-');
            if (how.width > count + signs) fill('0', how.width - count - signs);
            for (usize i = count; i > 0; --i) put(digits[sizeof digits - i]);
            return;
        }
        if (negative) digits[sizeof digits - ++count] = '-';
        padded(&digits[sizeof digits - count], count, how);
    }
    usize finish() {
        if (size_ > 0) buffer_[used_] = '\0';
        return used_;
    }

private:
    char* buffer_;
    usize size_;
    usize used_ = 0;
};

unsigned parse_number(char const*& format) {
    unsigned value = 0;
    while (*format >= '0' && *format <= '9') value = value * 10 + static_cast<unsigned>(*format++ - '0');
    return value;
}

usize bounded_length(char const* text, Directive const& how) {
    usize length = 0;
    while ((!how.has_precision || length < how.precision) && text[length] != '\0') ++length;
    return length;
}

// So that the list can be handed on by reference whatever va_list is.
struct Arguments {
    va_list list;
};

// What stands between % and the conversion.
Directive parse_directive(char const*& format, Arguments& arguments) {
    Directive how;
    for (; *format == '0' || *format == '-'; ++format) {
        if (*format == '0') how.zero_fill = true;
        if (*format == '-') how.left = true;
    }
    how.width = parse_number(format);
    if (*format == '.') {
        ++format;
        how.has_precision = true;
        if (*format == '*') {
            how.precision = static_cast<unsigned>(va_arg(arguments.list, int));
            ++format;
        } else {
            how.precision = parse_number(format);
        }
    }
    for (; *format == 'l' || *format == 'z' || *format == 'h'; ++format)
        if (*format != 'h') ++how.longs;
    return how;
}

void put_signed(Writer& writer, i64 value, Directive const& how) {
    u64 const magnitude = value < 0 ? u64{0} - static_cast<u64>(value) : static_cast<u64>(value);
    writer.number(magnitude, value < 0, 10, how);
}

void put_conversion(Writer& writer, char conversion, Directive const& how, Arguments& arguments) {
    switch (conversion) {
        case 's': {
            char const* const text = va_arg(arguments.list, char const*);
            writer.padded(text, bounded_length(text, how), how);
            return;
        }
        case 'c': {
            char const c = static_cast<char>(va_arg(arguments.list, int));
            writer.padded(&c, 1, how);
            return;
        }
        case 'd':
        case 'i': put_signed(writer, how.longs > 0 ? va_arg(arguments.list, i64) : va_arg(arguments.list, int), how); return;
        case 'u':
        case 'x':
            writer.number(how.longs > 0 ? va_arg(arguments.list, u64) : va_arg(arguments.list, unsigned), false, conversion == 'x' ? 16 : 10, how);
            return;
        case 'p': writer.number(reinterpret_cast<u64>(va_arg(arguments.list, void const*)), false, 16, how); return;
        default: writer.put(conversion); return;
    }
}

}  // namespace

usize format_text(char* buffer, usize size, char const* format, va_list list) {
    Writer writer{buffer, size};
    Arguments arguments;
    va_copy(arguments.list, list);
    for (; *format != '\0'; ++format) {
        if (*format != '%') {
            writer.put(*format);
            continue;
        }
        ++format;
        Directive const how = parse_directive(format, arguments);
        if (*format == '\0') break;
        put_conversion(writer, *format, how, arguments);
    }
    va_end(arguments.list);
    return writer.finish();
}

usize format_text(char* buffer, usize size, char const* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    usize const written = format_text(buffer, size, format, arguments);
    va_end(arguments);
    return written;
}

}  // namespace hospes
