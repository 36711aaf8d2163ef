// SPDX-License-Identifier: Apache-2.0
// Ways from user mode, and from the kernel itself, into the kernel's handlers and back.
#include "handlers.hpp"
#include "measure.hpp"

namespace hospes::guest {
namespace {

/// Runs a loop of `body` in user mode, RBX times; it ends with INT3, which the runtime takes as the end.
template <size_t Size> void measure_user(const char *row, const UserSpace &user, const u8 (&body)[Size]) {
    u8 code[Size + 6];
    memcpy(code, body, Size);
    const u8 end[] = {0x48, 0xff, 0xcb, 0x75, static_cast<u8>(-static_cast<int>(Size) - 5), 0xcc};  // dec %rbx; jnz; int3
    memcpy(code + Size, end, sizeof end);
    TrapFrame frame = user.initial_frame();
    frame.rbx = rounds();
    measure_sequence(row, rounds(), [&] { static_cast<void>(user.run(code, sizeof code, frame)); });
}

}  // namespace

void bench_user() {
    const UserSpace user;
    if (!user.usable()) return;
    const LeanHandlers handlers;
    measure_user("user_system_call", user, {0x0f, 0x05});
    measure_user("user_int80", user, {0xcd, 0x80});
    measure_user("user_exception", user, {0x0f, 0x0b});
    measure_user("user_page_fault", user, {0x48, 0x8b, 0x00});  // mov (%rax), %rax with RAX 0
}

void bench_traps() {
    const LeanHandlers handlers;
    measure("kernel_exception", [] { asm volatile("ud2" : : : "rcx", "r11"); });
    measure("kernel_page_fault", [] { asm volatile(".byte 0x48, 0x8b, 0x00" : : "a"(0x1000UL)); });
}

}  // namespace hospes::guest
