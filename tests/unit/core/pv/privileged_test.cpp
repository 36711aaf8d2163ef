// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/privileged.hpp"

#include "hypervisor/core/pv/control_registers.hpp"
#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/x86/msr.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("WRMSR and RDMSR of GS_BASE", "[pv][privileged]") {
    PvGuest g;
    g.place_code({0x0f, 0x30, 0x0f, 0x32});
    g.vcpu.regs.rcx = kMsrGsBase;
    g.vcpu.regs.rax = 0xffff'ffff'8200'0000;  // the upper half of RAX does not count
    g.vcpu.regs.rdx = 0xffff'ffff;
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK(g.vcpu.pv.gs_base_kernel == 0xffff'ffff'8200'0000);
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK(g.vcpu.regs.rax == 0x8200'0000);
    CHECK(g.vcpu.regs.rdx == 0xffff'ffff);
    CHECK(g.vcpu.regs.rip == g.code + 4);
}

TEST_CASE("user mode gets nothing emulated", "[pv][privileged]") {
    PvGuest g;
    g.vcpu.pv.in_kernel = false;
    g.vcpu.pv.iopl = 1;
    for (auto const& code : {std::initializer_list<unsigned>{0x0f, 0x30}, {0x0f, 0x20, 0xe0}, {0xfa}, {0xec}, {0x0f, 0x09}, {0x0f, 0x01, 0xd1}}) {
        g.place_code(code);
        CHECK_FALSE(emulate_privileged(g.vcpu));
        CHECK(g.vcpu.regs.rip == g.code);
    }
}

TEST_CASE("CLI needs I/O privilege and leaves the upcall mask alone", "[pv][privileged]") {
    PvGuest g;
    g.place_code({0xfa});
    CHECK_FALSE(emulate_privileged(g.vcpu));
    g.vcpu.pv.iopl = 1;
    CHECK(emulate_privileged(g.vcpu));
    CHECK_FALSE(are_events_masked(g.vcpu));
}

TEST_CASE("control registers", "[pv][privileged]") {
    PvGuest g;
    g.place_code({0x0f, 0x20, 0xe0});  // mov %cr4, %rax
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK((g.vcpu.regs.rax & kCr4OsXsave) != 0);
    CHECK((g.vcpu.regs.rax & (kCr4FsGsBase | kCr4Smap | kCr4Tsd)) == 0);
    CHECK(write_control_register(g.vcpu, 4, ~u64{0}).ok());
    CHECK((read_control_register(g.vcpu, 4).value() & (kCr4FsGsBase | kCr4Smap | kCr4Tsd)) == 0);
    CHECK_FALSE(write_control_register(g.vcpu, 3, 0).ok());
    CHECK_FALSE(read_control_register(g.vcpu, 8).ok());
    g.vcpu.info->arch.cr2 = 0x4321;
    CHECK(read_control_register(g.vcpu, 2).value() == 0x4321);
}

TEST_CASE("XSETBV takes sets of components that belong together", "[pv][privileged]") {
    PvGuest g;
    g.vcpu.regs.rax = 7;
    g.place_code({0x0f, 0x01, 0xd1});
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK(g.vcpu.pv.xcr0 == 7);
    g.vcpu.regs.rip = g.code;
    g.vcpu.regs.rcx = 1;
    CHECK_FALSE(emulate_privileged(g.vcpu));
    for (u64 bad : {0ull, 2ull, 5ull, 0xbull, 0xe7ull, 1ull << 63}) CHECK_FALSE(is_valid_xcr0(bad));
    guest_cpu().xcr0 = 0xe7;
    CHECK(is_valid_xcr0(0xe7));
    CHECK_FALSE(is_valid_xcr0(0x67));
    CHECK_FALSE(is_valid_xcr0(0xe3));
}

TEST_CASE("debug registers never watch the core", "[pv][privileged]") {
    PvGuest g;
    CHECK(write_debug_register(g.vcpu, 0, 0xffff'ffff'8100'0000).ok());
    CHECK(write_debug_register(g.vcpu, 1, 0xffff'8300'0000'0000).error() == Errno::perm);
    CHECK(write_debug_register(g.vcpu, 1, 0xffff'7fff'ffff'fffc).error() == Errno::perm);
    CHECK(write_debug_register(g.vcpu, 7, 0x2400).error() == Errno::perm);             // general detect
    CHECK(write_debug_register(g.vcpu, 7, u64{2} << 16 | 0x401).error() == Errno::perm);  // ports
    CHECK(write_debug_register(g.vcpu, 7, u64{1} << 32).error() == Errno::perm);
    CHECK(write_debug_register(g.vcpu, 7, 0xd801).ok());
    CHECK(read_debug_register(g.vcpu, 7).value() == 0x401);
    CHECK(write_debug_register(g.vcpu, 6, 0).ok());
    CHECK(read_debug_register(g.vcpu, 4).value() == 0xffff'0ff0);
}

TEST_CASE("ports of an ordinary domain are not there", "[pv][privileged][ports]") {
    PvGuest g;
    g.vcpu.pv.iopl = 1;
    g.place_code({0xe5, 0x60, 0xe6, 0x60});
    g.vcpu.regs.rax = 0;
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK(g.vcpu.regs.rax == 0xffff'ffff);
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK(guest_cpu().port_writes.empty());
}

TEST_CASE("the hardware domain has the machine's ports, less the core's", "[pv][privileged][ports]") {
    PvGuest g{0};
    CHECK(read_port(g.vcpu, 0x60, 1) == 0x11);
    for (u16 timer : std::initializer_list<u16>{0x42, 0x43, 0x61}) CHECK(!is_port_denied(timer));
    for (u16 denied : std::initializer_list<u16>{0x20, 0x21, 0xa1, 0x4d0}) CHECK(read_port(g.vcpu, denied, 1) == 0xff);
    CHECK(read_port(g.vcpu, 0x1f, 4) == 0xffff'ffff);  // reaches over 0x20
    CHECK(read_port(g.vcpu, 0xffff, 2) == 0xffff);
    write_port(g.vcpu, 0x21, 1, 0);
    CHECK(guest_cpu().port_writes.empty());
}

TEST_CASE("PCI's configuration ports and the reset register among them are the hardware domain's", "[pv][privileged][ports]") {
    PvGuest g{0};
    for (u16 port = 0xcf8; port < 0xd00; ++port) CHECK(!is_port_denied(port));
    write_port(g.vcpu, 0xcf8, 4, 0x8000'1234);
    write_port(g.vcpu, 0xcfd, 1, 0x5a);
    CHECK(guest_cpu().port_writes == std::vector<PortWrite>{{0xcf8, 4, 0x8000'1234}, {0xcfd, 1, 0x5a}});
    guest_cpu().port_values[0xcfe] = 0xabcd;
    CHECK(read_port(g.vcpu, 0xcfe, 2) == 0xabcd);
}

TEST_CASE("a repeated INS fills memory, and stops at a page that is not there", "[pv][privileged][ports]") {
    PvGuest g{0};
    g.vcpu.pv.iopl = 1;
    guest_cpu().port_values[0x1f0] = 0xbeef;
    u64 const buffer = guest_memory().allocate(8).raw();
    g.place_code({0xf3, 0x66, 0x6d});  // rep insw
    g.vcpu.regs.rdx = 0x1f0;
    g.vcpu.regs.rdi = buffer;
    SECTION("all of it") {
        g.vcpu.regs.rcx = 4;
        REQUIRE(emulate_privileged(g.vcpu));
        CHECK(g.word(buffer) == 0xbeef'beef'beef'beef);
        CHECK(g.vcpu.regs.rcx == 0);
        CHECK(g.vcpu.regs.rdi == buffer + 8);
    }
    SECTION("the rest is not reachable") {
        g.vcpu.regs.rcx = 6;
        CHECK(emulate_privileged(g.vcpu));
        CHECK(g.vcpu.regs.rcx == 2);
        CHECK(g.vcpu.info->arch.cr2 == buffer + 8);
        CHECK(g.is_at_handler(kVectorPageFault));
        CHECK(g.frame(3) == g.code);
    }
}

TEST_CASE("forced CPUID is seven bytes, and nothing else is", "[pv][privileged]") {
    PvGuest g;
    g.place_code({0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2});
    g.vcpu.regs.rax = 0x4000'0001;
    REQUIRE(emulate_forced_cpuid(g.vcpu));
    CHECK(g.vcpu.regs.rax == 0x0004'0011);
    CHECK(g.vcpu.regs.rip == g.code + 7);
    g.vcpu.regs.rip = g.code;
    g.place_code({0x0f, 0x0b, 0x78, 0x65, 0x6f});
    CHECK_FALSE(emulate_forced_cpuid(g.vcpu));
}

TEST_CASE("MOV moves control and debug registers, both ways", "[pv][privileged]") {
    PvGuest g;
    auto& regs = g.vcpu.regs;
    auto const execute = [&](std::initializer_list<unsigned> code) {
        regs.rip = g.code;
        g.place_code(code);
        bool const done = emulate_privileged(g.vcpu);
        CHECK(regs.rip == g.code + (done ? code.size() : 0));
        return done;
    };
    regs.rax = kCr0Ts;
    REQUIRE(execute({0x0f, 0x22, 0xc0}));  // mov %rax, %cr0
    CHECK(g.vcpu.pv.ts);
    REQUIRE(execute({0x0f, 0x20, 0xc3}));  // mov %cr0, %rbx
    CHECK((regs.rbx & kCr0Ts) != 0);
    REQUIRE(execute({0x0f, 0x06}));  // clts
    CHECK_FALSE(g.vcpu.pv.ts);
    REQUIRE(execute({0x0f, 0x20, 0xc3}));
    CHECK((regs.rbx & kCr0Ts) == 0);
    REQUIRE(execute({0x0f, 0x20, 0xdb}));  // mov %cr3, %rbx
    CHECK(regs.rbx == g.vcpu.pv.kernel_root.raw() << kPageShift);

    regs.rax = 0x7000;
    REQUIRE(execute({0x0f, 0x23, 0xd0}));  // mov %rax, %dr2
    REQUIRE(execute({0x0f, 0x21, 0xd3}));  // mov %dr2, %rbx
    CHECK(regs.rbx == 0x7000);
    regs.rbx = 0x77;
    for (auto const& code : {std::initializer_list<unsigned>{0x44, 0x0f, 0x20, 0xc3}, {0x44, 0x0f, 0x22, 0xc3}, {0x44, 0x0f, 0x21, 0xc3}, {0x44, 0x0f, 0x23, 0xc3}})
        CHECK_FALSE(execute(code));  // CR8 and DR8
    CHECK(regs.rbx == 0x77);
}

TEST_CASE("WBINVD is nothing that a guest could fail at; what else looks privileged is left to it", "[pv][privileged]") {
    PvGuest g{GENERATE(u16{0}, u16{1})};
    g.place_code({0x0f, 0x09});
    CHECK(emulate_privileged(g.vcpu));
    CHECK(g.vcpu.regs.rip == g.code + 2);
    g.vcpu.regs.rax = 2;  // for XSETBV
    g.vcpu.regs.rcx = 0;
    for (auto const& code : {std::initializer_list<unsigned>{0xf0, 0x0f, 0x06},  // LOCK
                             {0x0f, 0xb1, 0x07},                                // CMPXCHG
                             {0x48, 0x89, 0x07},                                // MOV
                             {0x0f, 0x01, 0x17},                                // LGDT
                             {0x0f, 0x01, 0xd0},                                // XGETBV
                             {0x0f, 0x01, 0xf9},                                // RDTSCP
                             {0x0f, 0x01, 0xd1}}) {                             // a set without x87
        g.vcpu.regs.rip = g.code;
        g.place_code(code);
        CHECK_FALSE(emulate_privileged(g.vcpu));
        CHECK(g.vcpu.regs.rip == g.code);
    }
    g.vcpu.regs.rcx = 0x1234;
    for (unsigned const opcode : {0x30u, 0x32u}) {  // an unknown MSR
        g.place_code({0x0f, opcode});
        CHECK_FALSE(emulate_privileged(g.vcpu));
    }
    g.vcpu.regs.rip = 0x10;  // no code is there
    CHECK_FALSE(emulate_privileged(g.vcpu));
    CHECK_FALSE(emulate_forced_cpuid(g.vcpu));
}

TEST_CASE("IN and OUT have their port in DX or in the instruction, and three widths", "[pv][privileged][ports]") {
    PvGuest g{0};
    auto& regs = g.vcpu.regs;
    g.vcpu.pv.iopl = 1;
    guest_cpu().port_values[0x1f0] = 0x8877'6655;
    regs.rdx = 0xffff'0000'0000'01f0;
    auto const in = [&](std::initializer_list<unsigned> code) {
        regs.rip = g.code;
        regs.rax = ~u64{0};
        g.place_code(code);
        REQUIRE(emulate_privileged(g.vcpu));
        return regs.rax;
    };
    CHECK(in({0xec}) == 0xffff'ffff'ffff'ff55);
    CHECK(in({0x66, 0xed}) == 0xffff'ffff'ffff'6655);
    CHECK(in({0xed}) == 0x8877'6655);
    CHECK(in({0xe4, 0x60}) == 0xffff'ffff'ffff'ff11);

    regs.rax = 0x4433'2211;
    for (auto const& code : {std::initializer_list<unsigned>{0xee}, {0x66, 0xef}, {0xef}, {0xe6, 0x60}}) {
        regs.rip = g.code;
        g.place_code(code);
        REQUIRE(emulate_privileged(g.vcpu));
    }
    // (The fake shows the register as it is: the instruction's width tells how much of it the machine takes.)
    CHECK(guest_cpu().port_writes ==
          std::vector<PortWrite>{{0x1f0, 1, 0x4433'2211}, {0x1f0, 2, 0x4433'2211}, {0x1f0, 4, 0x4433'2211}, {0x60, 1, 0x4433'2211}});
}

TEST_CASE("ports that the core keeps for itself are denied to the hardware domain", "[pv][privileged][ports]") {
    deny_ports(0x3f8, 8);  // for the rest of the program: no other test names them
    PvGuest g{0};
    CHECK(!is_port_denied(0x3f7));
    CHECK(is_port_denied(0x3f8));
    CHECK(is_port_denied(0x3ff));
    CHECK(!is_port_denied(0x400));
    CHECK(read_port(g.vcpu, 0x3f5, 4) == 0xffff'ffff);  // reaches into them
    write_port(g.vcpu, 0x3ff, 2, 0);
    CHECK(guest_cpu().port_writes.empty());
}

TEST_CASE("debug registers have numbers below 8, and reads change nothing", "[pv][privileged]") {
    PvGuest g;
    CHECK(read_debug_register(g.vcpu, 8).error() == Errno::invalid);
    CHECK(write_debug_register(g.vcpu, 8, 0).error() == Errno::invalid);
    CHECK(write_debug_register(g.vcpu, 5, 0x401).ok());  // another name of DR7
    CHECK(read_debug_register(g.vcpu, 5).value() == 0x401);
    CHECK(read_debug_register(g.vcpu, 7).value() == 0x401);
    CHECK(write_debug_register(g.vcpu, 4, 0xf).ok());
    CHECK(read_debug_register(g.vcpu, 6).value() == 0xffff'0fff);
}
