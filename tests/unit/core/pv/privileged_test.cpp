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
    for (u16 timer : std::initializer_list<u16>{0x42, 0x43, 0x61}) CHECK(port_access(timer) == PortAccess::direct);
    for (u16 denied : std::initializer_list<u16>{0x20, 0x21, 0xa1, 0x4d0}) CHECK(read_port(g.vcpu, denied, 1) == 0xff);
    CHECK(read_port(g.vcpu, 0x1f, 4) == 0xffff'ffff);  // reaches over 0x20
    CHECK(read_port(g.vcpu, 0xffff, 2) == 0xffff);
    write_port(g.vcpu, 0x21, 1, 0);
    CHECK(guest_cpu().port_writes.empty());
}

TEST_CASE("PCI configuration cycles use the address each vcpu has latched", "[pv][privileged][ports]") {
    PvGuest g{0};
    write_port(g.vcpu, 0xcf8, 4, 0x8000'1234);
    CHECK(guest_cpu().port_writes.empty());
    CHECK(read_port(g.vcpu, 0xcf8, 4) == 0x8000'1234);
    guest_cpu().port_values[0xcfe] = 0xabcd;
    CHECK(read_port(g.vcpu, 0xcfe, 2) == 0xabcd);
    REQUIRE(guest_cpu().port_writes.size() == 1);
    CHECK(guest_cpu().port_writes[0] == PortWrite{0xcf8, 4, 0x8000'1234});
    CHECK(read_port(g.vcpu, 0xcfe, 4) == 0xffff'ffff);  // beyond the data port
    write_port(g.vcpu, 0xcf9, 1, 6);                     // the reset register is not the latch
    CHECK(guest_cpu().port_writes.back() == PortWrite{0xcf9, 1, 6});
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
        CHECK_FALSE(emulate_privileged(g.vcpu));
        CHECK(g.vcpu.regs.rcx == 2);
        CHECK(g.vcpu.regs.rip == g.code);
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
