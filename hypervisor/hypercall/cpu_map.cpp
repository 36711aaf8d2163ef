// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/cpu_map.hpp"

#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/processors.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u32 kMostBits = 4096;
constexpr u32 kMaskBits = sizeof(PcpuMask) * 8;

GuestAddress address_of(xenctl_bitmap const& map) { return GuestAddress{reinterpret_cast<u64>(map.bitmap.p)}; }

PcpuMask first_bits(u32 count) { return count >= kMaskBits ? ~PcpuMask{0} : (PcpuMask{1} << count) - 1; }

}  // namespace

PcpuMask online_pcpus() {
    PcpuMask online = 0;
    for (u32 i = 0; i < known_pcpus(); ++i) online |= PcpuMask{facts_of(PcpuId{i}).is_online} << i;
    return online;
}

Result<PcpuMask> read_cpu_map(xenctl_bitmap const& map) {
    u32 const bits = std::min(map.nr_bits, kMaskBits);
    PcpuMask pcpus = 0;
    HV_TRY(copy_from_guest(&pcpus, address_of(map), (bits + 7) / 8));
    return pcpus & first_bits(bits);
}

Status write_cpu_map(xenctl_bitmap const& map, PcpuMask pcpus) {
    if (map.nr_bits > kMostBits) return Errno::invalid;
    PcpuMask bytes[kMostBits / kMaskBits]{pcpus & first_bits(map.nr_bits)};
    return copy_to_guest(address_of(map), bytes, (map.nr_bits + 7) / 8);
}

}  // namespace hospes
