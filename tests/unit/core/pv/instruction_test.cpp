// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/instruction.hpp"

#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

using namespace hospes;
using namespace hospes::test;

namespace {

Result<Instruction> decode(std::vector<u8> const& bytes) { return decode_instruction(bytes.data(), bytes.size()); }

}  // namespace

TEST_CASE("instructions have the length the manual gives them", "[pv][decoder]") {
    struct Case {
        std::vector<u8> bytes;
        unsigned length;
    };
    Case const cases[] = {
        {{0xfa}, 1},                                                            // cli
        {{0xe4, 0x61}, 2},                                                      // in $0x61, %al
        {{0x66, 0xed}, 2},                                                      // in (%dx), %ax
        {{0xf3, 0x66, 0x6d}, 3},                                                // rep insw
        {{0x0f, 0x30}, 2},                                                      // wrmsr
        {{0x0f, 0x01, 0xd1}, 3},                                                // xsetbv
        {{0x0f, 0x20, 0xe0}, 3},                                                // mov %cr4, %rax
        {{0x44, 0x0f, 0x22, 0xc0}, 4},                                          // mov %rax, %cr8
        {{0x48, 0x89, 0x07}, 3},                                                // mov %rax, (%rdi)
        {{0x48, 0x89, 0x44, 0xd8, 0x10}, 5},                                    // mov %rax, 16(%rax,%rbx,8)
        {{0x48, 0x89, 0x04, 0xdd, 1, 2, 3, 4}, 8},                              // mov %rax, disp32(,%rbx,8)
        {{0x48, 0x89, 0x05, 1, 2, 3, 4}, 7},                                    // mov %rax, disp32(%rip)
        {{0x48, 0x89, 0x87, 1, 2, 3, 4}, 7},                                    // mov %rax, disp32(%rdi)
        {{0x48, 0xc7, 0x07, 1, 0, 0, 0}, 7},                                    // movq $1, (%rdi)
        {{0xc7, 0x07, 1, 0, 0, 0}, 6},                                          // movl $1, (%rdi)
        {{0x66, 0xc7, 0x07, 1, 0}, 5},                                          // movw $1, (%rdi)
        {{0xf0, 0x80, 0x22, 0xfd}, 4},                                          // lock andb $~2, (%rdx)
        {{0xf0, 0x48, 0x0f, 0xba, 0x37, 0x05}, 6},                              // lock btrq $5, (%rdi)
        {{0xf0, 0x48, 0x0f, 0xb1, 0x11}, 5},                                    // lock cmpxchg %rdx, (%rcx)
        {{0x48, 0x87, 0x07}, 3},                                                // xchg %rax, (%rdi)
    };
    for (Case const& each : cases) {
        auto const decoded = decode(each.bytes);
        REQUIRE(decoded.ok());
        CHECK(decoded.value().length == each.length);
        for (usize cut = 0; cut < each.bytes.size(); ++cut) CHECK_FALSE(decode_instruction(each.bytes.data(), cut).ok());
    }
}

TEST_CASE("what the core never does for a guest is not decoded", "[pv][decoder]") {
    CHECK_FALSE(decode({0xf4}).ok());              // hlt
    CHECK_FALSE(decode({0x90}).ok());              // nop
    CHECK_FALSE(decode({0x0f, 0x07}).ok());        // sysret
    CHECK_FALSE(decode({0x0f, 0x00, 0xd8}).ok());  // ltr
    CHECK_FALSE(decode({}).ok());
    CHECK_FALSE(decode(std::vector<u8>(20, 0x66)).ok());
}

TEST_CASE("random bytes never decode to more than fifteen or than there are", "[pv][decoder]") {
    auto const seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random{seed};
    for (int i = 0; i < 200'000; ++i) {
        std::vector<u8> bytes(1 + random() % 16);
        for (u8& byte : bytes) byte = static_cast<u8>(random());
        auto const decoded = decode(bytes);
        if (!decoded.ok()) continue;
        REQUIRE(decoded.value().length >= 1);
        REQUIRE(decoded.value().length <= bytes.size());
        REQUIRE(decoded.value().length <= kMaxInstructionBytes);
    }
}

TEST_CASE("an instruction at the end of the last mapped page is read", "[pv][decoder]") {
    PvGuest g;
    g.vcpu.regs.rip = g.code + kPageSize - 2;
    u8* const at = guest_memory().find(GuestAddress{g.vcpu.regs.rip}, 2);
    at[0] = 0x0f;
    at[1] = 0x32;
    auto const fetched = fetch_instruction(g.vcpu);
    REQUIRE(fetched.ok());
    CHECK(fetched.value().opcode == 0x32);
    g.vcpu.regs.rip = g.code + kPageSize + 64;
    CHECK(fetch_instruction(g.vcpu).error() == Errno::fault);
}

TEST_CASE("register operands follow the rules of their width", "[pv][decoder]") {
    GuestRegs regs{};
    Instruction plain;
    Instruction with_rex;
    with_rex.rex = 0x40;
    regs.rax = 0x1122'3344'5566'7788;
    regs.rsp = 0xaaaa'bbbb'cccc'dddd;
    CHECK(read_register(regs, plain, 4, 1) == 0x77);     // AH
    CHECK(read_register(regs, with_rex, 4, 1) == 0xdd);  // SPL
    write_register(regs, plain, 4, 1, 0x99);
    CHECK(regs.rax == 0x1122'3344'5566'9988);
    write_register(regs, plain, 0, 4, 0xffff'ffff'0000'0001);
    CHECK(regs.rax == 1);  // the upper half is cleared
    write_register(regs, plain, 4, 2, 0x1234);
    CHECK(regs.rsp == 0xaaaa'bbbb'cccc'1234);
}
