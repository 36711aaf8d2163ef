// SPDX-License-Identifier: Apache-2.0
#include "test.hpp"

#include "console.hpp"
#include "event.hpp"
#include "machine.hpp"
#include "page.hpp"
#include "text.hpp"
#include "trap.hpp"

extern "C" {
extern const hospes::guest::TestCase guest_tests_start[];
extern const hospes::guest::TestCase guest_tests_end[];
}

namespace hospes::guest {
namespace {

struct Verdict {
    char reason[200];
    unsigned failures;
    bool skipped;
};
Verdict verdict;

[[gnu::format(printf, 1, 2)]] void fail(const char *format, ...) {
    if (verdict.failures++ > 0) return;
    va_list arguments;
    va_start(arguments, format);
    format_text(verdict.reason, sizeof verdict.reason, format, arguments);
    va_end(arguments);
}

/// True when `name` starts with one of the comma-separated prefixes.
bool listed(const char *name, const char *prefixes) {
    char prefix[64];
    size_t length = 0;
    for (;; ++prefixes) {
        if (*prefixes != ',' && *prefixes != '\0') {
            if (length + 1 < sizeof prefix) prefix[length++] = *prefixes;
            continue;
        }
        prefix[length] = '\0';
        if (length > 0 && text_starts_with(name, prefix)) return true;
        if (*prefixes == '\0') return false;
        length = 0;
    }
}

bool selected(const char *name) {
    static char only[512], never[512];
    static const bool has_only = option_text("tests", only, sizeof only);
    static const bool has_never = option_text("skip", never, sizeof never);
    return (!has_only || listed(name, only)) && (!has_never || !listed(name, never));
}

const TestCase *first_test() {
    char name[128];
    if (!option_text("after", name, sizeof name)) return guest_tests_start;
    for (const TestCase *test = guest_tests_start; test != guest_tests_end; ++test) {
        if (text_equal(test->name, name)) return test + 1;
    }
    return guest_tests_start;
}

void run_one(const TestCase &test) {
    verdict = {};
    printk("RUN  %s\n", test.name);
    const unsigned pages = free_pages();
    test.run();
    set_trap_hook(nullptr, nullptr);
    events_disable();
    if (verdict.failures == 0 && free_pages() != pages) fail("%u pages were not given back", pages - free_pages());
    if (verdict.skipped) printk("TEST %s: skipped (%s)\n", test.name, verdict.reason);
    else if (verdict.failures == 0) printk("TEST %s: ok\n", test.name);
    else if (verdict.failures == 1) printk("TEST %s: FAILED (%s)\n", test.name, verdict.reason);
    else printk("TEST %s: FAILED (%s; %u more checks)\n", test.name, verdict.reason, verdict.failures - 1);
}

}  // namespace

bool detail::check_equal(const char *file, int line, const char *expression, i64 got, i64 want) {
    if (got == want) return true;
    const auto large = [](i64 value) { return value > 100000 || value < -100000; };
    if (large(got) || large(want)) fail("%s:%d %s: got 0x%lx, want 0x%lx", file, line, expression, static_cast<u64>(got), static_cast<u64>(want));
    else fail("%s:%d %s: got %ld, want %ld", file, line, expression, got, want);
    return false;
}

bool detail::check_true(const char *file, int line, const char *expression, bool value) {
    if (!value) fail("%s:%d %s is not so", file, line, expression);
    return value;
}

void detail::skip(const char *why) {
    verdict.skipped = true;
    const size_t length = text_length(why) < sizeof verdict.reason ? text_length(why) : sizeof verdict.reason - 1;
    memcpy(verdict.reason, why, length);
    verdict.reason[length] = '\0';
}

unsigned run_tests(const char *guest) {
    unsigned ok = 0, failed = 0, skipped = 0;
    for (const TestCase *test = first_test(); test != guest_tests_end; ++test) {
        if (!selected(test->name)) continue;
        run_one(*test);
        if (verdict.skipped) ++skipped;
        else if (verdict.failures > 0) ++failed;
        else ++ok;
    }
    printk("GUEST %s: %u ok, %u failed, %u skipped\n", guest, ok, failed, skipped);
    return failed;
}

}  // namespace hospes::guest
