// SPDX-License-Identifier: Apache-2.0
// Mapping a grant and unmapping it again.
#pragma once

#include "hypervisor/core/grant/grant_table.hpp"
#include "hypervisor/core/mm/foreign_map.hpp"

#include <array>

namespace hospes {

struct GrantMapRequest {
    u64 host_address;  // by `flags`: the machine address of a page-table entry, or a guest virtual address
    u32 flags;         // GNTMAP_*
    GrantRef ref;
    DomId granter;
};

struct GrantMapResult {
    GrantStatus status;
    GrantHandle handle{};
    MachineAddress bus_address{};
};

// GNTTABOP_map_grant_ref for one grant.
GrantMapResult map_grant(Vcpu& caller, GrantMapRequest const& request);

struct GrantUnmapRequest {
    u64 host_address;  // 0: leave the mapping for the processor
    u64 bus_address;   // 0: leave the mapping for devices
    GrantHandle handle;
};

// GNTTABOP_unmap_grant_ref for some grants: first all their page-table entries are cleared, then TLBs are flushed once, and only then
// the references on the granters' frames go. finish(), or the end of the batch, does the latter.
class UnmapBatch {
public:
    explicit UnmapBatch(Vcpu& caller) : caller_{caller} {}
    UnmapBatch(UnmapBatch const&) = delete;
    UnmapBatch& operator=(UnmapBatch const&) = delete;
    ~UnmapBatch() { finish(); }

    GrantStatus unmap(GrantUnmapRequest const& request);
    void finish();

private:
    struct Leaving {
        GrantHandle handle;
        GrantMapping mapping;
    };
    static constexpr usize kCapacity = 32;

    GrantStatus clear_entry(GrantUnmapRequest const& request, GrantMapping const& mapping);

    Vcpu& caller_;
    std::array<Leaving, kCapacity> leaving_;
    usize count_ = 0;
    bool needs_flush_ = false;
};

}  // namespace hospes
