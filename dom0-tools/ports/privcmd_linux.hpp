// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/hypercall_buffer.hpp"
#include "dom0-tools/ports/privcmd.hpp"

#include <string_view>

namespace hospes {

/// Privcmd over /dev/xen/privcmd. Not for use by two threads at once.
class LinuxPrivcmd final : public Privcmd {
public:
    /// ENOENT when this kernel does not run under the hypervisor or its module xen-privcmd is missing.
    static Result<LinuxPrivcmd> open();

    Result<DomId> create_domain(CreateDomain const& parameters) override;
    Status destroy_domain(DomId domain) override;
    Status pause_domain(DomId domain) override;
    Status unpause_domain(DomId domain) override;
    Result<std::optional<DomainInfo>> domain_info(DomId domain) override;
    Result<std::vector<DomainInfo>> list_domains() override;
    Status set_max_memory(DomId domain, std::uint64_t kib) override;
    Status set_vcpu_context(DomId domain, VcpuId vcpu, vcpu_guest_context_t const& context) override;
    Status set_max_vcpus(DomId domain, unsigned count) override;
    Result<VcpuInfo> vcpu_info(DomId domain, VcpuId vcpu) override;
    Result<Affinity> affinity(DomId domain, VcpuId vcpu) override;
    Result<Affinity> set_affinity(DomId domain, VcpuId vcpu, std::optional<CpuSet> hard, std::optional<CpuSet> soft) override;
    Result<SchedShare> sched_share(DomId domain) override;
    Status set_sched_share(DomId domain, SchedShare share) override;
    Status set_address_size(DomId domain, unsigned bits) override;
    Result<std::size_t> populate(DomId domain, unsigned order, std::span<std::uint64_t> frames) override;
    Result<EventPort> alloc_unbound_port(DomId domain, DomId remote) override;
    Status pin_l4_table(DomId domain, Mfn table) override;
    Result<ForeignMapping> map_foreign(DomId domain, std::span<Mfn const> frames) override;
    Result<ForeignMapping> map_grant_table(DomId domain) override;
    Result<PhysicalInfo> physical_info() override;
    Result<std::vector<Processor>> processors() override;
    Result<CpuSet> online_processors() override;
    Result<std::string> console_log() override;
    Status press_debug_keys(std::string_view keys) override;
    Result<HospesCheck> run_check_step(std::uint32_t step) override;
    Result<HypervisorVersion> version() override;

private:
    LinuxPrivcmd(UniqueFd device, HypercallBuffer buffer) : device_{std::move(device)}, buffer_{std::move(buffer)} {}

    /// The hypercall's own result (0 or more), or the errno it failed with; `what` names it in the message.
    Result<long> hypercall(std::string_view what, unsigned number, std::uint64_t a0, std::uint64_t a1 = 0,
                           std::uint64_t a2 = 0, std::uint64_t a3 = 0);
    /// `request` is in the buffer; its answer is there afterwards.
    Status domctl(std::string_view what, xen_domctl& request);
    Status sysctl(std::string_view what, xen_sysctl& request);
    xen_domctl& new_domctl(unsigned command, DomId domain);
    xen_sysctl& new_sysctl(unsigned command);
    std::span<std::uint64_t> take_map(xenctl_bitmap& map, CpuSet cpus);
    Result<std::span<std::byte>> reserve_range(std::size_t pages);
    std::string version_text(unsigned command, std::size_t size);

    UniqueFd device_;
    HypercallBuffer buffer_;
};

}  // namespace hospes
