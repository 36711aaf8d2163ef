// SPDX-License-Identifier: Apache-2.0
// I/O ports of guests. The hardware domain has the machine's ports, less those the core needs itself; others have none.
// A port that is not there reads as all ones and swallows writes.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

class Vcpu;

// Keeps `count` ports from `first` on from the hardware domain (boot: what the core drives itself). At most kMaxDeniedRanges calls.
inline constexpr unsigned kMaxDeniedRanges = 16;
void deny_ports(u16 first, u16 count);

// Is the port the core's own? PCI's configuration ports are not: the core uses the memory-mapped window (machine/pci.hpp), and a dom0
// that starts makes some 17,000 accesses by them, each of two instructions that would trap.
bool is_port_denied(u16 port);

// May code of the vcpu, in the mode it is in, name ports at all (virtual IOPL)?
bool may_use_ports(Vcpu const& vcpu);

// `width`: 1, 2 or 4 bytes. The caller has asked may_use_ports().
u32 read_port(Vcpu const& vcpu, u16 port, unsigned width);
void write_port(Vcpu const& vcpu, u16 port, unsigned width, u32 value);

}  // namespace hospes
