// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_console.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace hospes;
using namespace hospes::test;

namespace {

usize logged_bytes() {
    usize sum = 0;
    for (std::string const& line : machine().log) sum += line.size();
    return sum;
}

}  // namespace

TEST_CASE("a domain that writes without end is cut off, and not read to the end", "[hypercall][console]") {
    World world;
    Vcpu& vcpu = *world.add_domain(1).vcpu(VcpuId{0});
    constexpr usize kSize = 4 << 20;
    GuestArray<char> text{kSize};
    std::memset(&*text, 'x', kSize);
    usize const before = logged_bytes();
    usize const reads_before = guest_memory().reads.size();
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, kSize, text.address()) == 0);
    CHECK(logged_bytes() - before < 8192);
    CHECK(guest_memory().reads.size() - reads_before < 100);
}

TEST_CASE("a domain that writes byte by byte gets no more of the line than one that writes at once", "[hypercall][console]") {
    World world;
    Vcpu& vcpu = *world.add_domain(1).vcpu(VcpuId{0});
    GuestArray<char> text;
    *text = 'x';
    usize const before = logged_bytes();
    for (int i = 0; i < 5000; ++i) CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, 1, text.address()) == 0);
    CHECK(logged_bytes() > before);
    CHECK(logged_bytes() - before < kLogBytesPerSecond);
}

TEST_CASE("console output that is interrupted goes on where it stopped", "[hypercall][console]") {
    World world;
    Vcpu& vcpu = *world.add_domain(1).vcpu(VcpuId{0});
    GuestArray<char> text{1024};
    std::memset(&*text, 'a', 512);
    std::memset(&text[512], 'b', 512);
    machine().log.clear();
    machine().preempt_after = 1;
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, 1024, text.address()) == 0);
    machine().preempt_after = -1;
    std::string all;
    for (std::string const& line : machine().log) all += line.substr(line.find(": ") + 2);
    CHECK(all == std::string(512, 'a') + std::string(512, 'b'));
}

TEST_CASE("the log shows no control characters of a domain", "[hypercall][console]") {
    World world;
    Vcpu& vcpu = *world.add_domain(1).vcpu(VcpuId{0});
    std::string const text = "a\x1b[2J\nb\x7f~ \n";
    GuestArray<char> buffer{text.size()};
    std::memcpy(&*buffer, text.data(), text.size());
    machine().log.clear();
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, text.size(), buffer.address()) == 0);
    REQUIRE(machine().log.size() == 1);
    CHECK(machine().log[0].find("a.[2J|b.~ ") != std::string::npos);
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, 0, 0x10) == 0);
    CHECK(machine().log.size() == 1);
}

TEST_CASE("only dom0 reads the console, and nothing else is done with it", "[hypercall][console]") {
    World world;
    Vcpu& other = *world.add_domain(1).vcpu(VcpuId{0});
    Vcpu& vcpu = *world.dom0().vcpu(VcpuId{0});
    GuestArray<char> buffer{8};
    console().input = "ls";
    CHECK(World::call(other, hypercall_console_io, CONSOLEIO_read, 8, buffer.address()) == to_abi(Errno::perm));
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_read, 8, buffer.address()) == 2);
    CHECK(std::string(&*buffer, 2) == "ls");
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_read, 8, buffer.address()) == 0);
    CHECK(World::call(vcpu, hypercall_console_io, 2, 8, buffer.address()) == to_abi(Errno::no_system_call));
    for (u64 const command : {CONSOLEIO_write, CONSOLEIO_read})
        CHECK(World::call(vcpu, hypercall_console_io, command, 0x8000'0000, buffer.address()) == to_abi(Errno::invalid));
    console().written.clear();
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, 2, buffer.address()) == 0);
    CHECK(console().written == "ls");
    CHECK(World::call(vcpu, hypercall_console_io, CONSOLEIO_write, 2, 0x10) == to_abi(Errno::fault));
}
