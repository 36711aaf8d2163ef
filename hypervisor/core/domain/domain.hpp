// SPDX-License-Identifier: Apache-2.0
// A domain: what owns frames, ports and grants, and lives and dies as one.
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/masked_index.hpp"
#include "hypervisor/base/result.hpp"
#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/core/domain/log_share.hpp"
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/core/event/event_channels.hpp"
#include "hypervisor/core/grant/grant_table.hpp"
#include "hypervisor/core/sched/domain_share.hpp"
#include "hypervisor/core/system.hpp"

namespace hospes {

inline constexpr u32 kMaxVcpus = 64;
inline constexpr u32 kNoUnsettledFrame = 0xffff'ffff;

// Why a domain stopped (SHUTDOWN_* of xen/sched.h).
enum class ShutdownReason : u8 { poweroff = 0, reboot = 1, suspend = 2, crash = 3, watchdog = 4, soft_reset = 5 };

// alive -> dying (destroydomain relinquishes, preemptibly) -> dead (only references of others keep frames) -> gone.
enum class LifeState : u8 { alive, dying, dead };

class Domain {
public:
    Domain(System& system, DomId id);
    Domain(Domain const&) = delete;
    Domain& operator=(Domain const&) = delete;

    DomId id() const { return id_; }
    System& system() const { return system_; }

    // The control domain manages others; the hardware domain has the devices. Today dom0 is both.
    bool is_control_domain() const { return id_ == kDomIdDom0; }
    bool is_hardware_domain() const { return id_ == kDomIdDom0; }
    // May this domain act on `other` (foreign maps, event channels and grants on its behalf)?
    bool is_privileged_over(Domain const& other) const { return this != &other && is_control_domain(); }

    // The vcpu `id` names, or null.
    Vcpu* vcpu(VcpuId id) { return id.raw() < max_vcpus ? vcpus[masked_index(id.raw(), kMaxVcpus)] : nullptr; }

    Spinlock lock{LockRank::domain};

    // Memory, in pages. The frames themselves name their owner in the frame table.
    std::atomic<u64> total_pages{0};
    std::atomic<u64> core_pages{0};  // the core's, shared with the domain (shared info, grant frames); not in total_pages
    u64 max_pages = 0;
    Mfn lowest_frame{~u64{0}};  // bounds of what relinquish has to look at
    Mfn highest_frame{0};
    std::atomic<u32> unsettled_head{kNoUnsettledFrame};  // page tables being devalidated (core/mm/page_types.hpp)

    // Shared info: a heap frame of the core, shared with the domain.
    Mfn shared_info_frame;
    shared_info_t* shared_info = nullptr;  // null once the tables of the dead domain are released

    std::array<Vcpu*, kMaxVcpus> vcpus{};
    u32 max_vcpus = 0;

    EventChannels events;
    GrantTable grants;

    DomainShare share;

    // Life cycle.
    LifeState life = LifeState::alive;
    bool is_stopped_for_death = false;
    bool are_vcpus_released = false;
    bool are_tables_released = false;
    bool is_shut_down = false;
    bool has_shutdown_reason = false;  // the first one counts, and may be given before the domain stops
    ShutdownReason shutdown_reason = ShutdownReason::poweroff;
    std::atomic<u32> pause_count{0};  // domctl pauses and shutdown; >0: no vcpu runs
    bool is_paused_by_control = false;  // domctl pausedomain (what the tools show as paused)
    u32 vm_assist = 0;              // VMASST_TYPE_* bits
    xen_domain_handle_t handle{};   // the UUID
    Mfn own_frame;                  // the heap pages this object lives in

    LogShare log_share;
    std::atomic<bool> is_crash_told{false};  // its registers are in the log

    // The memory map a toolstack gave (XENMEM_set_memory_map): one RAM region is all a PV domain needs.
    u64 memory_map_pages = 0;

private:
    System& system_;
    DomId id_;
};

}  // namespace hospes
