// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_list.hpp"

namespace hospes::control {
namespace {

constexpr char kControlDomainName[] = "Domain-0";

DomainSummary summary_of(DomainInfo const& info, xenstore::StoreView const* store) {
    DomainSummary summary{.id = info.id,
                          .name = info.id == kDomIdDom0 ? kControlDomainName : "",
                          .uuid = Uuid{info.handle},
                          .state = state_of(info),
                          .vcpus = info.online_vcpus,
                          .memory_bytes = info.pages * kPageSize,
                          .cpu_time_ns = info.cpu_time_ns,
                          .is_ours = false};
    if (store == nullptr) return summary;
    // The store only adds to what the hypervisor says: what cannot be read is left out.
    if (auto const name = store->read_if_present(domain_path(info.id) + "/name"); name && *name) summary.name = **name;
    auto const record = store->exists(record_path(info.id));
    summary.is_ours = record && *record;
    return summary;
}

}  // namespace

std::string_view to_string(DomainState state) {
    switch (state) {
        case DomainState::running: return "running";
        case DomainState::paused: return "paused";
        case DomainState::shut_down: return "shutdown";
        case DomainState::crashed: return "crashed";
        case DomainState::dying: return "dying";
    }
    return "?";
}

DomainState state_of(DomainInfo const& info) {
    if (info.is_dying) return DomainState::dying;
    if (info.is_shutdown) return info.shutdown_reason == SHUTDOWN_crash ? DomainState::crashed : DomainState::shut_down;
    return info.is_paused ? DomainState::paused : DomainState::running;
}

Result<std::vector<DomainSummary>> list_domains(Privcmd& privcmd, xenstore::StoreView const* store) {
    std::vector<DomainSummary> all;
    for (auto const& info : HV_TRY(privcmd.list_domains())) all.push_back(summary_of(info, store));
    return all;
}

Result<DomainSummary> find_domain(Privcmd& privcmd, xenstore::StoreView const* store, std::string const& name_or_id) {
    auto const all = HV_TRY(list_domains(privcmd, store));
    auto const number = parse_domid(name_or_id);
    std::vector<std::string> names;
    for (auto const& domain : all) {
        if (domain.id == number) return domain;
        if (domain.name.empty()) continue;
        if (domain.name == name_or_id) return domain;
        names.push_back(domain.name);
    }
    return fail(ENOENT, "there is no domain '{}'; there are: {}", name_or_id, fmt::join(names, ", "));
}

}  // namespace hospes::control
