// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/port_io.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/ports/guest_cpu.hpp"

#include <array>

namespace hospes {
namespace {

struct PortRange {
    u32 first;
    u32 end;
};

// Interrupt controllers and edge/level registers. The PIT is dom0's: the core needs it before dom0 starts at most, and Linux would
// poll a channel 2 that does not count 100,000 times before it gives up.
constexpr std::array<PortRange, 3> kAlwaysDenied{{{0x20, 0x22}, {0xa0, 0xa2}, {0x4d0, 0x4d2}}};
constinit std::array<PortRange, kMaxDeniedRanges> denied{};
constinit unsigned denied_count = 0;

bool contains(PortRange range, u16 port) { return port >= range.first && port < range.end; }

constexpr u32 all_ones(unsigned width) { return width == 4 ? ~u32{0} : (u32{1} << 8 * width) - 1; }

// No port of the access is the core's, and none is beyond the last.
bool is_open(u16 port, unsigned width) {
    if (u32{port} + width > 0x1'0000) return false;
    for (unsigned i = 0; i < width; ++i)
        if (is_port_denied(static_cast<u16>(port + i))) return false;
    return true;
}

}  // namespace

void deny_ports(u16 first, u16 count) {
    HV_ASSERT(denied_count < kMaxDeniedRanges);
    denied[denied_count++] = {first, u32{first} + count};
}

bool is_port_denied(u16 port) {
    for (PortRange const range : kAlwaysDenied)
        if (contains(range, port)) return true;
    for (unsigned i = 0; i < denied_count; ++i)
        if (contains(denied[i], port)) return true;
    return false;
}

bool may_use_ports(Vcpu const& vcpu) { return vcpu.pv.iopl >= (vcpu.pv.in_kernel ? 1 : 3); }

u32 read_port(Vcpu const& vcpu, u16 port, unsigned width) {
    if (!vcpu.domain().is_hardware_domain() || !is_open(port, width)) return all_ones(width);
    return port_in(port, width);
}

void write_port(Vcpu const& vcpu, u16 port, unsigned width, u32 value) {
    if (vcpu.domain().is_hardware_domain() && is_open(port, width)) port_out(port, width, value);
}

}  // namespace hospes
