// SPDX-License-Identifier: Apache-2.0
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
