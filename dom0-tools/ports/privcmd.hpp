// SPDX-License-Identifier: Apache-2.0
// What the control domain asks of the hypervisor about other domains, as one interface: Linux' /dev/xen/privcmd behind it in
// dom0 (privcmd_linux.hpp), a small model of a hypervisor in tests. Structures and numbers: Xen 4.17's public headers.
#pragma once

#include "dom0-tools/base/cpu_set.hpp"
#include "dom0-tools/base/result.hpp"
#include "hypervisor/abi/hospes_sysctl.hpp"
#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/strong.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hospes {

/// Frames of another domain in our address space, for as long as this object lives.
/// Release it before the frames are made page tables: a writable mapping forbids that.
class ForeignMapping {
public:
    ForeignMapping() = default;
    ForeignMapping(std::span<std::byte> bytes, std::function<void(std::span<std::byte>)> unmap)
        : bytes_{bytes}, unmap_{std::move(unmap)} {}
    ForeignMapping(ForeignMapping&& other) noexcept
        : bytes_{std::exchange(other.bytes_, {})}, unmap_{std::exchange(other.unmap_, nullptr)} {}
    ForeignMapping& operator=(ForeignMapping&& other) noexcept {
        release();
        bytes_ = std::exchange(other.bytes_, {});
        unmap_ = std::exchange(other.unmap_, nullptr);
        return *this;
    }
    ~ForeignMapping() { release(); }

    /// All pages in the order asked for, one after the other.
    std::span<std::byte> bytes() const { return bytes_; }
    std::span<std::byte> page(std::size_t index) const { return bytes_.subspan(index * kPageSize, kPageSize); }
    void release() {
        if (unmap_) std::exchange(unmap_, nullptr)(std::exchange(bytes_, {}));
    }

private:
    std::span<std::byte> bytes_;
    std::function<void(std::span<std::byte>)> unmap_;
};

/// createdomain's parameters for a paravirtualized domain.
struct CreateDomain {
    std::array<std::uint8_t, 16> handle{};  ///< the domain's uuid
    unsigned max_vcpus = 1;
    unsigned max_event_port = 1023;
    unsigned max_grant_frames = 64;
    unsigned max_maptrack_frames = 1024;
};

/// One domain as the hypervisor sees it (xen_domctl_getdomaininfo).
struct DomainInfo {
    DomId id;
    std::array<std::uint8_t, 16> handle{};
    bool is_dying = false;
    bool is_shutdown = false;
    bool is_paused = false;
    bool is_blocked = false;
    bool is_running = false;
    unsigned shutdown_reason = 0;  ///< SHUTDOWN_poweroff and its kin; only if is_shutdown
    std::uint64_t pages = 0;
    std::uint64_t max_pages = 0;
    Mfn shared_info;
    std::uint64_t cpu_time_ns = 0;
    unsigned online_vcpus = 0;
    unsigned vcpus = 0;
};

/// One vcpu (xen_domctl_getvcpuinfo).
struct VcpuInfo {
    bool is_online = false;   ///< its kernel uses it
    bool is_blocked = false;  ///< it waits for an event
    bool is_running = false;
    std::uint64_t cpu_time_ns = 0;
    unsigned cpu = 0;         ///< where it runs or ran last
};

/// Where a vcpu may run, and where it would rather.
struct Affinity {
    CpuSet hard;
    CpuSet soft;
};

/// How much processor a domain gets (xen_domctl_sched_credit2).
struct SchedShare {
    unsigned weight = 256;  ///< against that of others; 1 to 65535
    unsigned cap = 0;       ///< percent of one processor for all its vcpus together; 0: no limit
};

/// One processor of the machine (xen_sysctl_cputopo).
struct Processor {
    unsigned socket = 0;
    unsigned core = 0;
};

/// The machine (xen_sysctl_physinfo).
struct PhysicalInfo {
    unsigned cpus = 0;  ///< online
    unsigned cores_per_socket = 1;
    unsigned threads_per_core = 1;
    unsigned cpu_khz = 0;
    std::uint64_t total_pages = 0;
    std::uint64_t free_pages = 0;  ///< those that still have to be scrubbed included
};

/// What the hypervisor says of itself (xen_version).
struct HypervisorVersion {
    unsigned major = 0;
    unsigned minor = 0;
    std::string extra;
    std::string changeset;
    std::string capabilities;
    std::string command_line;
};

/// xen_domctl_getdomaininfo as a DomainInfo.
DomainInfo decode(xen_domctl_getdomaininfo const& raw);

/// Every error has the hypervisor's errno and names the operation.
class Privcmd {
public:
    virtual ~Privcmd() = default;

    /// domctl 1: a new domain, paused and empty; the hypervisor picks the number.
    virtual Result<DomId> create_domain(CreateDomain const& parameters) = 0;
    /// domctl 2: ends it for good; it stays "dying" until the last mapping of its memory is gone.
    virtual Status destroy_domain(DomId domain) = 0;
    virtual Status pause_domain(DomId domain) = 0;    ///< domctl 3
    virtual Status unpause_domain(DomId domain) = 0;  ///< domctl 4
    /// domctl 5, which looks for the first number from `domain` on: nothing when that is another one.
    virtual Result<std::optional<DomainInfo>> domain_info(DomId domain) = 0;
    virtual Result<std::vector<DomainInfo>> list_domains() = 0;                   ///< sysctl 6
    virtual Status set_max_memory(DomId domain, std::uint64_t kib) = 0;           ///< domctl 11
    virtual Status set_vcpu_context(DomId domain, VcpuId vcpu, vcpu_guest_context_t const& context) = 0;  ///< domctl 12
    virtual Status set_max_vcpus(DomId domain, unsigned count) = 0;               ///< domctl 15
    virtual Result<VcpuInfo> vcpu_info(DomId domain, VcpuId vcpu) = 0;            ///< domctl 14; EINVAL: no such vcpu
    virtual Result<Affinity> affinity(DomId domain, VcpuId vcpu) = 0;             ///< domctl 25: as it was set
    /// domctl 9: what is absent stays. EINVAL when no processor of `hard` is online. Returns what is effective of what was set.
    virtual Result<Affinity> set_affinity(DomId domain, VcpuId vcpu, std::optional<CpuSet> hard, std::optional<CpuSet> soft) = 0;
    virtual Result<SchedShare> sched_share(DomId domain) = 0;                     ///< domctl 16
    virtual Status set_sched_share(DomId domain, SchedShare share) = 0;           ///< domctl 16
    virtual Status set_address_size(DomId domain, unsigned bits) = 0;             ///< domctl 35
    /// memory_op 6: extents of 2^order frames. `frames` holds the first pfn of each and gets the first mfn of each.
    /// Returns how many could be given, from the front.
    virtual Result<std::size_t> populate(DomId domain, unsigned order, std::span<std::uint64_t> frames) = 0;
    /// event_channel_op 6 on behalf of `domain`: a port of it that `remote` may bind.
    virtual Result<EventPort> alloc_unbound_port(DomId domain, DomId remote) = 0;
    /// mmuext_op 3 on behalf of `domain`: its first page tables are validated and kept.
    virtual Status pin_l4_table(DomId domain, Mfn table) = 0;
    virtual Result<ForeignMapping> map_foreign(DomId domain, std::span<Mfn const> frames) = 0;
    /// memory_op 28: the first frame of its grant table.
    virtual Result<ForeignMapping> map_grant_table(DomId domain) = 0;
    virtual Result<PhysicalInfo> physical_info() = 0;   ///< sysctl 3
    virtual Result<std::vector<Processor>> processors() = 0;  ///< sysctl 16: online or not
    virtual Result<CpuSet> online_processors() = 0;     ///< sysctl 18
    virtual Result<std::string> console_log() = 0;      ///< sysctl 1: the hypervisor's own messages
    /// sysctl 7: each key shows something in the hypervisor's own messages.
    virtual Status press_debug_keys(std::string_view keys) = 0;
    /// One step of the invariant checker. ENOSYS: this is not Hospes.
    virtual Result<HospesCheck> run_check_step(std::uint32_t step) = 0;
    virtual Result<HypervisorVersion> version() = 0;    ///< xen_version 0, 1, 3, 4, 9
};

}  // namespace hospes
