// SPDX-License-Identifier: Apache-2.0
// A processor on which no vcpu is ever loaded: what a Vcpu object holds is all there is. Ports and CPUID answer what a test says.
#pragma once

#include "hypervisor/ports/guest_cpu.hpp"

#include <functional>
#include <map>
#include <vector>

namespace hospes::test {

struct PortWrite {
    u16 port;
    unsigned width;
    u32 value;
    friend bool operator==(PortWrite const&, PortWrite const&) = default;
};

struct FakeGuestCpu {
    std::map<u16, u32> port_values;  // a port that is not here reads as 0x11111111
    unsigned port_reads = 0;
    std::vector<PortWrite> port_writes;
    std::function<CpuidResult(u32, u32)> cpuid = [](u32, u32) { return CpuidResult{~0u, ~0u, ~0u, ~0u}; };
    u64 xcr0 = 7;
    std::vector<u16> user_gs_loads;
    std::function<void(Vcpu&)> on_root_load;  // CR3 leaves the old root
};

FakeGuestCpu& guest_cpu();

}  // namespace hospes::test
