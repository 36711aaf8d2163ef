// SPDX-License-Identifier: Apache-2.0
// A hypervisor in this process: domains, frames in a memory file (so that foreign mappings are real mappings), event ports,
// a grant table and page-table validation. It can refuse the n-th call, and knows what is left at the end.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/privcmd.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace hospes {

struct FakeDomain {
    DomainInfo info;
    std::map<std::uint64_t, std::uint64_t> frames;  ///< mfn to pfn
    Mfn grant_table;
    unsigned next_port = 1;
    unsigned max_vcpus = 0;
    SchedShare share;
    std::map<VcpuId, Affinity> affinities;  ///< of those that were pinned
    unsigned address_size = 0;
    std::optional<Mfn> pinned;
    std::optional<vcpu_guest_context_t> context;
};

class FakePrivcmd final : public Privcmd {
public:
    explicit FakePrivcmd(std::uint64_t frames = 65536);

    /// Makes the call with this number (from 1) fail, with ENOMEM.
    void fail_call(int number) { failing_call_ = number; }
    int calls() const { return calls_; }
    /// What goes wrong in the order of calls or is left behind; empty when all is well.
    std::vector<std::string> const& complaints() const { return complaints_; }
    std::size_t live_mappings() const { return *live_mappings_; }
    std::uint64_t free_frames() const { return free_.size(); }
    std::map<DomId, FakeDomain> const& domains() const { return domains_; }

    /// The content of a frame.
    std::span<std::byte const> frame(Mfn mfn) const { return memory_.subspan(mfn.raw() * kPageSize, kPageSize); }
    /// A domain shuts down by itself.
    void shut_down(DomId domain, unsigned reason);
    /// A domain has been destroyed, and somebody still holds memory of it.
    void linger(DomId domain) { domains_.at(domain).info.is_dying = true; }

    std::function<void(DomId)> on_create = [](DomId) {};
    std::function<void(DomId)> on_destroy = [](DomId) {};

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
    Result<FakeDomain*> called(char const* what, DomId domain);
    Status count_call(char const* what);
    Mfn take_frame();
    Result<ForeignMapping> map(std::span<Mfn const> frames);
    void check_table(FakeDomain& domain, Mfn table, int level, std::set<std::uint64_t>& tables,
                     std::set<std::uint64_t>& writable);
    void complain(std::string what) { complaints_.push_back(std::move(what)); }

    UniqueFd file_;
    std::span<std::byte> memory_;
    std::uint64_t total_;
    std::set<std::uint64_t> free_;
    std::map<DomId, FakeDomain> domains_;
    std::uint16_t next_domain_ = 1;
    std::shared_ptr<std::size_t> live_mappings_ = std::make_shared<std::size_t>(0);
    std::vector<std::string> complaints_;
    int calls_ = 0;
    int failing_call_ = 0;
};

}  // namespace hospes
