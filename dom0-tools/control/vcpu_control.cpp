// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/vcpu_control.hpp"

#include "dom0-tools/control/cpu_tune.hpp"
#include "dom0-tools/control/domain_xml.hpp"
#include "dom0-tools/control/store_setup.hpp"

namespace hospes::control {
namespace {

VcpuState state_of(VcpuInfo const& vcpu, DomainSummary const& domain) {
    if (!vcpu.is_online) return VcpuState::offline;
    if (vcpu.is_running) return VcpuState::running;
    if (domain.state != DomainState::running) return VcpuState::paused;
    return vcpu.is_blocked ? VcpuState::blocked : VcpuState::ready;
}

Result<unsigned> count_of(Privcmd& privcmd, DomId domain) {
    auto const info = HV_TRY(privcmd.domain_info(domain));
    if (!info) return fail(ESRCH, "domain {} has ended", domain.raw());
    return info->vcpus;
}

// What follows from the description for `before` vcpus is made what follows for `after`.
Status adapt_cap(Privcmd& privcmd, xenstore::StoreView const& store, DomId domain, unsigned before, unsigned after) {
    auto const record = HV_TRY(read_record(store, domain));
    if (!record) return {};
    auto const description = HV_TRY(read_domain_xml(record->xml, record->file));
    auto const& tune = description.config.cpu_tune;
    auto const vcpus = description.config.vcpus;
    if (!tune.vcpu_cap) return {};
    auto share = HV_TRY(privcmd.sched_share(domain));
    if (share.cap != cap_of(tune, before, vcpus)) return {};
    share.cap = cap_of(tune, after, vcpus);
    return privcmd.set_sched_share(domain, share);
}

// How many vcpus the store says are in use.
Result<unsigned> used_vcpus(xenstore::StoreView const& store, DomId domain, unsigned vcpus) {
    unsigned used = 0;
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
        auto const said = HV_TRY(store.read_if_present(fmt::format("{}/cpu/{}/availability", domain_path(domain), vcpu)));
        if (said.value_or("online") == "online") ++used;
    }
    return used;
}

}  // namespace

std::string_view to_string(VcpuState state) {
    switch (state) {
        case VcpuState::running: return "running";
        case VcpuState::ready: return "ready";
        case VcpuState::blocked: return "blocked";
        case VcpuState::paused: return "paused";
        case VcpuState::offline: return "offline";
    }
    return "?";
}

Result<std::vector<VcpuSummary>> list_vcpus(Privcmd& privcmd, DomainSummary const& domain) {
    std::vector<VcpuSummary> all;
    auto const count = HV_TRY(count_of(privcmd, domain.id));
    for (unsigned number = 0; number < count; ++number) {
        VcpuId const id{number};
        auto const info = HV_TRY(privcmd.vcpu_info(domain.id, id));
        auto const affinity = HV_TRY(privcmd.affinity(domain.id, id));
        all.push_back({id, state_of(info, domain), info.cpu, info.cpu_time_ns, affinity});
    }
    return all;
}

Status pin_vcpus(Privcmd& privcmd, DomainSummary const& domain, std::optional<VcpuId> vcpu, std::optional<CpuSet> hard,
                 std::optional<CpuSet> soft) {
    auto const count = HV_TRY(count_of(privcmd, domain.id));
    if (vcpu && vcpu->raw() >= count) {
        return fail(EINVAL, "domain {} has no vcpu {}; it has the vcpus 0 to {}", domain.name, vcpu->raw(), count - 1);
    }
    auto const online = HV_TRY(privcmd.online_processors());
    for (auto const& cpus : {hard, soft}) {
        if (!cpus || !(*cpus & online).is_empty()) continue;
        return fail(EINVAL, "there are no processors {}; the machine has {}", to_string(*cpus), to_string(online));
    }
    unsigned const first = vcpu ? vcpu->raw() : 0;
    unsigned const end = vcpu ? first + 1 : count;
    for (unsigned number = first; number < end; ++number) {
        HV_TRY(with_context(privcmd.set_affinity(domain.id, VcpuId{number}, hard, soft), "pin vcpu {}", number));
    }
    return {};
}

Status use_vcpus(Privcmd& privcmd, xenstore::Client& store, DomainSummary const& domain, unsigned count) {
    auto const vcpus = HV_TRY(count_of(privcmd, domain.id));
    if (count < 1 || count > vcpus) {
        return fail(ERANGE, "domain {} has {} vcpus, so from 1 to {} can be in use; its description's <vcpu> says how many it has", domain.name,
                    vcpus, vcpus);
    }
    auto const before = HV_TRY(used_vcpus(store, domain.id, vcpus));
    HV_TRY(adapt_cap(privcmd, store, domain.id, before, count));
    return store.transact([&](xenstore::StoreView const& transaction) {
        return write_availability(transaction, domain.id, count, vcpus);
    });
}

}  // namespace hospes::control
