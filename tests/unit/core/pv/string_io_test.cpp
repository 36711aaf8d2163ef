// SPDX-License-Identifier: Apache-2.0
// INS and OUTS as the hardware domain's kernel executes them: which memory, which way, how often.
#include "hypervisor/core/pv/string_io.hpp"

#include "hypervisor/core/pv/privileged.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u16 kPort = 0x1f0;

struct StringGuest : PvGuest {
    StringGuest() : PvGuest{0}, buffer{guest_memory().allocate(kPageSize).raw()} {
        vcpu.pv.iopl = 3;
        vcpu.regs.rdx = kPort;
    }
    u8& byte(u64 address) { return *guest_memory().find(GuestAddress{address}, 1); }
    bool execute(std::initializer_list<unsigned> bytes) {
        vcpu.regs.rip = code;
        place_code(bytes);
        return emulate_privileged(vcpu);
    }

    u64 buffer;
};

}  // namespace

TEST_CASE("OUTS takes its bytes from the segment it names", "[pv][string_io]") {
    StringGuest g;
    g.byte(g.buffer + 0x20) = 0xab;
    g.vcpu.regs.rsi = 0x20;
    SECTION("FS") {
        g.vcpu.pv.fs_base = g.buffer;
        REQUIRE(g.execute({0x64, 0x6e}));
    }
    SECTION("GS of the kernel") {
        g.vcpu.pv.gs_base_kernel = g.buffer;
        REQUIRE(g.execute({0x65, 0x6e}));
    }
    SECTION("GS of user mode") {
        g.vcpu.pv.in_kernel = false;
        g.vcpu.pv.gs_base_user = g.buffer;
        REQUIRE(g.execute({0x65, 0x6e}));
    }
    CHECK(guest_cpu().port_writes == std::vector<PortWrite>{{kPort, 1, 0xab}});
    CHECK(g.vcpu.regs.rsi == 0x21);
    CHECK(g.vcpu.regs.rip == g.code + 2);
}

TEST_CASE("INS writes to ES, whatever segment is named", "[pv][string_io]") {
    StringGuest g;
    guest_cpu().port_values[kPort] = 0x44332211;
    g.vcpu.pv.fs_base = 0x1000;
    g.vcpu.regs.rdi = g.buffer;
    REQUIRE(g.execute({0x64, 0x6d}));
    CHECK(g.word(g.buffer) == 0x44332211);
    CHECK(g.vcpu.regs.rdi == g.buffer + 4);
    CHECK(g.vcpu.regs.rip == g.code + 2);
}

TEST_CASE("with the direction flag it goes downwards", "[pv][string_io]") {
    StringGuest g;
    g.vcpu.regs.rflags |= kRflagsDf;
    g.vcpu.regs.rcx = 2;
    g.vcpu.regs.rsi = g.buffer + 2;
    g.byte(g.buffer) = 0x11;
    g.byte(g.buffer + 2) = 0x22;
    REQUIRE(g.execute({0xf3, 0x66, 0x6f}));
    CHECK(guest_cpu().port_writes == std::vector<PortWrite>{{kPort, 2, 0x22}, {kPort, 2, 0x11}});
    CHECK(g.vcpu.regs.rsi == g.buffer - 2);
    CHECK(g.vcpu.regs.rcx == 0);
}

TEST_CASE("with 32-bit addresses only the lower halves of pointer and count matter", "[pv][string_io]") {
    StringGuest g;
    g.byte(g.buffer) = 0x33;
    g.vcpu.regs.rsi = 0xdead'0000'0000'0000 | g.buffer;
    g.vcpu.regs.rcx = 0x5'0000'0001;
    REQUIRE(g.execute({0xf3, 0x67, 0x6e}));
    CHECK(guest_cpu().port_writes == std::vector<PortWrite>{{kPort, 1, 0x33}});
    CHECK(g.vcpu.regs.rsi == g.buffer + 1);
    CHECK(g.vcpu.regs.rcx == 0);
}

TEST_CASE("a long repetition gives way, and goes on where it was", "[pv][string_io]") {
    constexpr u64 kTogether = 256;
    StringGuest g;
    g.vcpu.regs.rsi = g.buffer;
    g.vcpu.regs.rcx = kTogether + 44;
    REQUIRE(g.execute({0xf3, 0x6e}));
    CHECK(g.vcpu.regs.rcx == 44);
    CHECK(g.vcpu.regs.rip == g.code);  // executed again
    REQUIRE(emulate_privileged(g.vcpu));
    CHECK(g.vcpu.regs.rcx == 0);
    CHECK(g.vcpu.regs.rip == g.code + 2);
    CHECK(g.vcpu.regs.rsi == g.buffer + kTogether + 44);
    CHECK(guest_cpu().port_writes.size() == kTogether + 44);
}

TEST_CASE("a repetition of nothing touches neither memory nor port", "[pv][string_io]") {
    StringGuest g;
    g.vcpu.regs.rsi = 0x10;  // nothing is there
    g.vcpu.regs.rcx = 0;
    REQUIRE(g.execute({0xf3, 0x6e}));
    CHECK(guest_cpu().port_writes.empty());
    CHECK(g.vcpu.regs.rip == g.code + 2);
}

TEST_CASE("memory that is not there is a page fault of the instruction, and the port is not touched", "[pv][string_io]") {
    StringGuest g;
    u32 error_code = 0;
    u64 address = 0x10;
    SECTION("to read from") {
        g.vcpu.regs.rsi = address;
        CHECK(g.execute({0x6e}));
        CHECK(g.vcpu.regs.rsi == address);
    }
    SECTION("to write to") {
        g.vcpu.regs.rdi = address;
        error_code = kPageFaultWrite;
        CHECK(g.execute({0x6c}));
        CHECK(g.vcpu.regs.rdi == address);
    }
    SECTION("in the next page only") {
        g.vcpu.regs.rsi = g.buffer + kPageSize - 2;
        address = g.buffer + kPageSize;
        CHECK(g.execute({0x6f}));
    }
    CHECK(g.is_at_handler(kVectorPageFault));
    CHECK(g.frame(2) == error_code);
    CHECK(g.frame(3) == g.code);
    CHECK(g.vcpu.info->arch.cr2 == address);
    CHECK(guest_cpu().port_writes.empty());
    CHECK(guest_cpu().port_reads == 0);
}

TEST_CASE("what a port has to read is left there when its place can only be read", "[pv][string_io]") {
    StringGuest g;
    g.vcpu.regs.rdi = g.buffer;
    guest_memory().is_read_only = [&](GuestAddress to) { return to.raw() == g.buffer; };
    CHECK(g.execute({0x6c}));
    guest_memory().is_read_only = nullptr;
    CHECK(guest_cpu().port_reads == 0);
    CHECK(g.is_at_handler(kVectorPageFault));
    CHECK(g.frame(2) == (kPageFaultWrite | kPageFaultPresent));
    CHECK(g.vcpu.info->arch.cr2 == g.buffer);
}

TEST_CASE("string I/O where guests have no memory is not done at all", "[pv][string_io]") {
    StringGuest g;
    g.vcpu.regs.rsi = kHypervisorStart;
    CHECK_FALSE(g.execute({0x6e}));
    CHECK(g.vcpu.regs.rip == g.code);
}
