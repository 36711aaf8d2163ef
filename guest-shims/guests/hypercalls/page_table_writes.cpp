// SPDX-License-Identifier: Apache-2.0
// Plain stores of a guest kernel to its level-1 tables: emulated with the checks of mmu_update, in the instruction
// forms stock kernels use.
#include "support.hpp"

namespace hospes::guest {
namespace {

struct Scene {
    Window window;
    Page page;
    volatile u64 *slot(unsigned index) const { return &window.l1[index]; }
    u64 good(u64 flags = kWritablePage) const { return entry(page.mfn(), flags); }
};

void clear(volatile u64 *slot) { *slot = 0; }

}  // namespace

HV_TEST(table_write_mov) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    HV_REQUIRE(!catch_fault([&] { *slot = scene.good(); }).happened);
    *reinterpret_cast<volatile u64 *>(scene.window.va(4)) = 0x99;
    HV_CHECK_EQ(scene.page[0], 0x99);
    HV_CHECK(!catch_fault([&] { clear(slot); }).happened);
    HV_CHECK_EQ(*slot, 0);
}

HV_TEST(table_write_sets_the_user_bit) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    HV_REQUIRE(!catch_fault([&] { *slot = scene.good(); }).happened);
    HV_CHECK_EQ(*slot & kUser, kUser);
    HV_CHECK(!catch_fault([&] { clear(slot); }).happened);
}

HV_TEST(table_write_xchg_returns_the_raw_entry) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    HV_REQUIRE_EQ(scene.window.map(4, scene.good()), 0);
    const u64 before = *slot;
    u64 value = 0;
    HV_REQUIRE(!catch_fault([&] { asm volatile("xchg %0, %1" : "+r"(value), "+m"(*slot)); }).happened);
    HV_CHECK_EQ(value, before);
    HV_CHECK_EQ(*slot, 0);
}

HV_TEST(table_write_lock_and_of_one_byte) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    HV_REQUIRE_EQ(scene.window.map(4, scene.good()), 0);
    const u64 before = *slot;
    HV_REQUIRE(!catch_fault([&] { asm volatile("lock andb $0xfd, %0" : "+m"(*slot) : : "cc"); }).happened);
    HV_CHECK_EQ(*slot, before & ~kWritable);
    HV_CHECK(!catch_fault([&] { clear(slot); }).happened);
}

HV_TEST(table_write_lock_btr) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    HV_REQUIRE_EQ(scene.window.map(4, scene.good()), 0);
    const u64 before = *slot;
    bool carry = false;
    HV_REQUIRE(!catch_fault([&] { asm volatile("lock btrq $5, %0" : "+m"(*slot), "=@ccc"(carry)); }).happened);
    HV_CHECK_EQ(*slot, before & ~kAccessed);
    HV_CHECK(carry);
    HV_REQUIRE(!catch_fault([&] { asm volatile("lock btrl $5, %0" : "+m"(*slot), "=@ccc"(carry)); }).happened);
    HV_CHECK(!carry);
    HV_CHECK(!catch_fault([&] { clear(slot); }).happened);
}

HV_TEST(table_write_lock_and_of_a_whole_entry) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    HV_REQUIRE_EQ(scene.window.map(4, scene.good()), 0);
    const u64 before = *slot;
    HV_REQUIRE(!catch_fault([&] { asm volatile("lock andq %1, %0" : "+m"(*slot) : "r"(~kWritable) : "cc"); }).happened);
    HV_CHECK_EQ(*slot, before & ~kWritable);
    HV_CHECK(!catch_fault([&] { clear(slot); }).happened);
}

HV_TEST(table_write_cmpxchg) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    u64 expected = 0;
    bool equal = false;
    const u64 good = scene.good();
    HV_REQUIRE(!catch_fault([&] { asm volatile("lock cmpxchg %3, %1" : "+a"(expected), "+m"(*slot), "=@ccz"(equal) : "r"(good)); }).happened);
    HV_CHECK(equal);
    HV_CHECK_EQ(*slot & kFrameMask, good & kFrameMask);
    expected = 0x1234;
    HV_REQUIRE(!catch_fault([&] { asm volatile("lock cmpxchg %3, %1" : "+a"(expected), "+m"(*slot), "=@ccz"(equal) : "r"(0UL)); }).happened);
    HV_CHECK(!equal);
    HV_CHECK_EQ(expected, *slot);
    HV_CHECK(!catch_fault([&] { clear(slot); }).happened);
}

HV_TEST(table_write_of_non_present_halves) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    auto *half = reinterpret_cast<volatile u32 *>(scene.slot(4));
    HV_REQUIRE(!catch_fault([half] { half[1] = 0xaabbccdd; }).happened);
    HV_CHECK_EQ(*scene.slot(4), 0xaabbccdd00000000);
    HV_REQUIRE(!catch_fault([half] { half[0] = 0x10; }).happened);
    HV_CHECK_EQ(*scene.slot(4), 0xaabbccdd00000010);
    HV_CHECK(!catch_fault([&] { clear(scene.slot(4)); }).happened);
}

HV_TEST(table_write_of_a_bad_entry_is_a_page_fault) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    volatile u64 *slot = scene.slot(4);
    const u64 bad[] = {entry(kNoSuchMfn, kWritablePage), entry(scene.window.l1.mfn(), kWritablePage),
                       entry(scene.window.l2.mfn(), kWritablePage)};
    for (const u64 value : bad) {
        const Fault fault = catch_fault([=] { *slot = value; });
        HV_CHECK_EQ(fault.vector(), 14);
        HV_CHECK_EQ(fault.frame.error_code, 3);
        HV_CHECK_EQ(fault.cr2, address_of(const_cast<const u64 *>(slot)));
        HV_CHECK_EQ(*slot, 0);
    }
}

HV_TEST(table_write_to_higher_levels_is_a_page_fault) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    for (volatile u64 *slot : {&scene.window.l2[7], &scene.window.l3[7]}) {
        const Fault fault = catch_fault([slot] { *slot = 0; });
        HV_CHECK_EQ(fault.vector(), 14);
        HV_CHECK_EQ(fault.frame.error_code, 3);
    }
}

HV_TEST(table_write_across_two_entries_is_a_page_fault) {
    const Scene scene;
    HV_REQUIRE(scene.window.usable());
    auto *bytes = reinterpret_cast<volatile u8 *>(scene.slot(4)) + 4;
    HV_CHECK_EQ(catch_fault([bytes] { *reinterpret_cast<volatile u64 *>(bytes) = 0; }).vector(), 14);
}

HV_TEST(table_write_to_a_read_only_ordinary_page_is_a_page_fault) {
    const Page page;
    HV_REQUIRE_EQ(page.make_read_only(), 0);
    const Fault fault = catch_fault([&page] { page[3] = 1; });
    HV_CHECK_EQ(fault.vector(), 14);
    HV_CHECK_EQ(fault.frame.error_code, 3);
}

HV_TEST(table_write_from_user_mode_is_a_page_fault) {
    const Window window;
    const UserSpace user;
    HV_REQUIRE(window.usable() && user.usable());
    HV_REQUIRE_EQ(user.map(kUserData, entry(window.l1.mfn(), kReadOnlyPage | kUser)), 0);
    TrapFrame start = user.initial_frame();
    start.rdi = kUserData;
    const u8 code[] = {0x48, 0x89, 0x07};  // mov %rax, (%rdi)
    const Fault fault = user.run(code, sizeof code, start);
    HV_CHECK_EQ(fault.vector(), 14);
    HV_CHECK_EQ(fault.frame.error_code, 7);
}

}  // namespace hospes::guest
