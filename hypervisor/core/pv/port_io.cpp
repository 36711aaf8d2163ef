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

constexpr u16 kPciAddress = 0xcf8;
constexpr u16 kPciData = 0xcfc;

// Interrupt controllers and edge/level registers. The PIT is dom0's: the core needs it before dom0 starts at most, and Linux would
// poll a channel 2 that does not count 100,000 times before it gives up.
constexpr std::array<PortRange, 3> kAlwaysDenied{{{0x20, 0x22}, {0xa0, 0xa2}, {0x4d0, 0x4d2}}};
constinit std::array<PortRange, kMaxDeniedRanges> denied{};
constinit unsigned denied_count = 0;

bool contains(PortRange range, u16 port) { return port >= range.first && port < range.end; }

bool is_denied(u16 port) {
    for (PortRange const range : kAlwaysDenied)
        if (contains(range, port)) return true;
    for (unsigned i = 0; i < denied_count; ++i)
        if (contains(denied[i], port)) return true;
    return false;
}

constexpr u32 all_ones(unsigned width) { return width == 4 ? ~u32{0} : (u32{1} << 8 * width) - 1; }

bool is_address_access(u16 port, unsigned width) { return port == kPciAddress && width == 4; }
bool is_data_access(u16 port, unsigned width) { return port >= kPciData && u32{port} + width <= kPciData + 4u; }

// All ports of the access go straight to the machine. (The bytes around 0xcf8, the reset register 0xcf9 among them, do.)
bool is_direct(u16 port, unsigned width) {
    if (u32{port} + width > 0x1'0000) return false;
    for (unsigned i = 0; i < width; ++i) {
        PortAccess const access = port_access(static_cast<u16>(port + i));
        if (access == PortAccess::denied || access == PortAccess::pci_data) return false;
    }
    return true;
}

}  // namespace

void deny_ports(u16 first, u16 count) {
    HV_ASSERT(denied_count < kMaxDeniedRanges);
    denied[denied_count++] = {first, u32{first} + count};
}

PortAccess port_access(u16 port) {
    if (port >= kPciAddress && port < kPciData) return PortAccess::pci_address;
    if (port >= kPciData && port < kPciData + 4) return PortAccess::pci_data;
    return is_denied(port) ? PortAccess::denied : PortAccess::direct;
}

bool may_use_ports(Vcpu const& vcpu) { return vcpu.pv.iopl >= (vcpu.pv.in_kernel ? 1 : 3); }

u32 read_port(Vcpu& vcpu, u16 port, unsigned width) {
    if (!vcpu.domain().is_hardware_domain()) return all_ones(width);
    if (is_address_access(port, width)) return vcpu.pv.pci_config_address;
    if (is_data_access(port, width)) {
        port_out(kPciAddress, 4, vcpu.pv.pci_config_address);
        return port_in(port, width);
    }
    return is_direct(port, width) ? port_in(port, width) : all_ones(width);
}

void write_port(Vcpu& vcpu, u16 port, unsigned width, u32 value) {
    if (!vcpu.domain().is_hardware_domain()) return;
    if (is_address_access(port, width)) {
        vcpu.pv.pci_config_address = value;
        return;
    }
    if (is_data_access(port, width)) {
        port_out(kPciAddress, 4, vcpu.pv.pci_config_address);
        port_out(port, width, value);
        return;
    }
    if (is_direct(port, width)) port_out(port, width, value);
}

}  // namespace hospes
