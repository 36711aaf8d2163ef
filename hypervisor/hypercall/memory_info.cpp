// SPDX-License-Identifier: Apache-2.0
// The sub-operations of memory_op that tell or set facts: memory maps, sizes, where the machine-to-physical table is, resources.
#include "hypervisor/core/domain/memory_map.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/hypercall/memory_op.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/layout.hpp"

#include <algorithm>

namespace hospes {
namespace {

Result<Domain*> named_domain(Vcpu& caller, MemoryCall const& call) {
    return target_domain(caller, DomId{HV_TRY(GuestHandle<domid_t>{call.arg}.read())});
}

// Fills the caller's buffer with as many entries as fit and says how many there are.
Status write_map(MemoryCall const& call, E820Entry const* entries, u32 count) {
    GuestHandle<xen_memory_map_t> const handle{call.arg};
    auto map = HV_TRY(handle.read());
    if (map.nr_entries < count) return Errno::invalid;
    GuestHandle<E820Entry> const buffer{reinterpret_cast<u64>(map.buffer.p)};
    for (u32 i = 0; i < count; ++i) HV_TRY(buffer.write(entries[i], i));
    map.nr_entries = count;
    return handle.write(map);
}

}  // namespace

Outcome memory_maximum_ram_page(Vcpu& caller, MemoryCall&) {
    return static_cast<i64>(caller.domain().system().frames.limit() - 1);
}

Outcome memory_current_reservation(Vcpu& caller, MemoryCall& call) {
    return static_cast<i64>(HV_TRY(named_domain(caller, call))->total_pages.load());
}

Outcome memory_maximum_reservation(Vcpu& caller, MemoryCall& call) {
    return static_cast<i64>(HV_TRY(named_domain(caller, call))->max_pages);
}

Outcome memory_memory_map(Vcpu& caller, MemoryCall& call) {
    u64 const pages = caller.domain().memory_map_pages;
    if (pages == 0) return Errno::no_system_call;
    E820Entry const ram{0, pages << kPageShift, E820Type::ram};
    HV_TRY(write_map(call, &ram, 1));
    return 0;
}

Outcome memory_machine_memory_map(Vcpu&, MemoryCall& call) {
    HV_TRY(write_map(call, machine_memory_map.entries.data(), machine_memory_map.count));
    return 0;
}

// Of the map a toolstack gives only the end of RAM matters to a PV domain.
Outcome memory_set_memory_map(Vcpu& caller, MemoryCall& call) {
    auto const request = HV_TRY(GuestHandle<xen_foreign_memory_map_t>{call.arg}.read());
    Domain* const domain = HV_TRY(target_domain(caller, DomId{request.domid}));
    if (request.map.nr_entries > kMaxE820Entries) return Errno::invalid;
    GuestHandle<E820Entry> const entries{reinterpret_cast<u64>(request.map.buffer.p)};
    u64 end = 0;
    for (u32 i = 0; i < request.map.nr_entries; ++i) {
        E820Entry const entry = HV_TRY(entries.read(i));
        if (entry.type == E820Type::ram) end = std::max(end, entry.address + entry.size);
    }
    domain->memory_map_pages = end >> kPageShift;
    return 0;
}

Outcome memory_machphys_mapping(Vcpu& caller, MemoryCall& call) {
    xen_machphys_mapping_t mapping{};
    mapping.v_start = kM2pBase;
    mapping.v_end = kM2pEnd;
    mapping.max_mfn = caller.domain().system().frames.limit() - 1;
    HV_TRY(GuestHandle<xen_machphys_mapping_t>{call.arg}.write(mapping));
    return 0;
}

// Only grant frames are offered: a toolstack fills in the entries of the console and xenstore rings before the domain runs.
Outcome memory_acquire_resource(Vcpu& caller, MemoryCall& call) {
    GuestHandle<xen_mem_acquire_resource_t> const handle{call.arg};
    auto request = HV_TRY(handle.read());
    if (request.type != XENMEM_resource_grant_table) return Errno::not_supported;
    if (request.id != XENMEM_resource_grant_table_id_shared) return Errno::invalid;
    Domain* const domain = HV_TRY(target_domain(caller, DomId{request.domid}));
    GuestHandle<u64> const frames{reinterpret_cast<u64>(request.frame_list.p)};
    if (frames.is_null()) {
        if (request.nr_frames != 0) return Errno::invalid;
        request.nr_frames = domain->grants.max_frames();
        HV_TRY(handle.write(request));
        return 0;
    }
    if (request.frame > domain->grants.max_frames() || request.nr_frames > domain->grants.max_frames() - request.frame) return Errno::invalid;
    for (u32 i = 0; i < request.nr_frames; ++i) {
        Mfn const mfn = HV_TRY(domain->grants.shared_frame(static_cast<u32>(request.frame) + i));
        HV_TRY(frames.write(mfn.raw(), i));
    }
    return 0;
}

}  // namespace hospes
