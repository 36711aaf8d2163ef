// SPDX-License-Identifier: Apache-2.0
// Mapping a grant and unmapping it again.
#pragma once

#include "hypervisor/core/grant/granted_page.hpp"
#include "hypervisor/core/mm/foreign_map.hpp"

#include <array>
#include <optional>

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

// A handle that becomes free again unless it is published.
class [[nodiscard]] ReservedHandle {
public:
    ReservedHandle(Maptrack& maptrack, GrantHandle handle) : maptrack_{&maptrack}, handle_{handle} {}
    ReservedHandle(ReservedHandle const&) = delete;
    ReservedHandle& operator=(ReservedHandle const&) = delete;
    ~ReservedHandle() {
        if (maptrack_ != nullptr) maptrack_->release(handle_);
    }
    GrantHandle number() const { return handle_; }
    void publish(GrantMapping const& mapping) {
        maptrack_->publish(handle_, mapping);
        maptrack_ = nullptr;
    }

private:
    Maptrack* maptrack_;
    GrantHandle handle_;
};

// GNTTABOP_map_grant_ref for one grant, in two steps, so that the guest can be told of its handle before anything is mapped: a handle
// that it does not know of it could not give back. The first takes all that the mapping needs; what is not performed gives it back.
class [[nodiscard]] GrantMap {
public:
    GrantMap(Vcpu& caller, GrantMapRequest const& request) : caller_{caller}, request_{request}, status_{prepare()} {}
    GrantMap(GrantMap const&) = delete;
    GrantMap& operator=(GrantMap const&) = delete;

    // What the guest gets if perform() works, or why there is nothing to perform.
    GrantMapResult result() const;
    // Once, when result() is okay.
    GrantStatus perform();

private:
    GrantStatus prepare();
    bool has(u32 flag) const { return (request_.flags & flag) != 0; }

    Vcpu& caller_;
    GrantMapRequest request_;
    Domain* granter_ = nullptr;
    std::optional<ReservedHandle> handle_;
    std::optional<GrantPin> pin_;
    std::optional<HeldFrame> frame_;
    GrantStatus status_;
};

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
