// SPDX-License-Identifier: Apache-2.0
// The verbs about vcpus and their share of the machine's processors.
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"
#include "dom0-tools/cli/wait.hpp"
#include "dom0-tools/control/vcpu_control.hpp"

#include <algorithm>
#include <charconv>

namespace hospes::cli {
namespace {

using control::DomainSummary;
using nlohmann::json;

// All domains, or the one that was named.
Result<std::vector<DomainSummary>> chosen_domains(Session& session, std::string const& name) {
    if (name.empty()) return session.domains();
    return std::vector{HV_TRY(session.find(name))};
}

std::size_t name_width(std::vector<DomainSummary> const& domains) {
    std::size_t width = 8;
    for (auto const& domain : domains) width = std::max(width, domain.name.size());
    return width;
}

std::string shown_name(DomainSummary const& domain) { return domain.name.empty() ? "-" : domain.name; }

json numbers_of(CpuSet cpus) {
    auto numbers = json::array();
    for (unsigned cpu = 0; cpu < CpuSet::kMost; ++cpu) {
        if (cpus.contains(cpu)) numbers.push_back(cpu);
    }
    return numbers;
}

json to_json(DomainSummary const& domain, control::VcpuSummary const& vcpu, CpuSet existing) {
    return {{"name", domain.name},
            {"id", domain.id.raw()},
            {"vcpu", vcpu.id.raw()},
            {"cpu", vcpu.state == control::VcpuState::offline ? json(nullptr) : json(vcpu.cpu)},
            {"state", control::to_string(vcpu.state)},
            {"cpu_time_ns", vcpu.cpu_time_ns},
            {"hard_affinity", numbers_of(vcpu.affinity.hard & existing)},
            {"soft_affinity", numbers_of(vcpu.affinity.soft & existing)}};
}

Result<std::optional<unsigned>> vcpu_number(std::string const& word) {
    if (word == "all") return std::nullopt;
    unsigned value = 0;
    auto const [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (problem == std::errc{} && end == word.data() + word.size()) return value;
    return fail(EINVAL, "'{}' is no vcpu; give its number, or 'all'", word);
}

// "-", or nothing, leaves the affinity as it is.
Result<std::optional<CpuSet>> affinity_word(std::string const& word) {
    if (word.empty() || word == "-") return std::nullopt;
    return HV_TRY(parse_cpu_set(word));
}

}  // namespace

Status vcpu_list(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domains = HV_TRY(chosen_domains(session, arguments.operand));
    auto const existing = CpuSet::first(static_cast<unsigned>(HV_TRY(session.privcmd().processors()).size()));
    auto const width = name_width(domains);
    auto rows = json::array();
    if (!arguments.json) fmt::print("{:<{}}  {:>5}  {:>4}  {:>3}  {:<7}  {:>9}  {}\n", "NAME", width, "ID", "VCPU", "CPU", "STATE", "CPU TIME", "AFFINITY (HARD / SOFT)");
    for (auto const& domain : domains) {
        auto const vcpus = control::list_vcpus(session.privcmd(), domain);
        if (!vcpus && vcpus.error().code() == ESRCH && arguments.operand.empty()) continue;  // it has ended meanwhile
        if (!vcpus) return std::unexpected(vcpus.error());
        for (auto const& vcpu : *vcpus) {
            rows.push_back(to_json(domain, vcpu, existing));
            if (arguments.json) continue;
            bool const is_offline = vcpu.state == control::VcpuState::offline;
            fmt::print("{:<{}}  {:>5}  {:>4}  {:>3}  {:<7}  {:>7.1f} s  {} / {}\n", shown_name(domain), width, domain.id.raw(), vcpu.id.raw(),
                       is_offline ? "-" : fmt::format("{}", vcpu.cpu), control::to_string(vcpu.state),
                       static_cast<double>(vcpu.cpu_time_ns) / 1e9, shown_among(vcpu.affinity.hard, existing),
                       shown_among(vcpu.affinity.soft, existing));
        }
    }
    if (arguments.json) print_json({{"vcpus", rows}});
    return {};
}

Status vcpu_pin(Arguments const& arguments) {
    auto const vcpu = HV_TRY(vcpu_number(arguments.more[0]));
    auto const hard = HV_TRY(affinity_word(arguments.more[1]));
    auto const soft = HV_TRY(affinity_word(arguments.more[2]));
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(session.find(arguments.operand));
    auto const id = vcpu ? std::optional{VcpuId{*vcpu}} : std::nullopt;
    return control::pin_vcpus(session.privcmd(), domain, id, hard, soft);
}

Status vcpu_set(Arguments const& arguments) {
    auto const count = HV_TRY(vcpu_number(arguments.more[0]));
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(session.find(arguments.operand));
    auto* const store = HV_TRY(session.require_store());
    auto const info = HV_TRY(session.privcmd().domain_info(domain.id));
    auto const wanted = count.value_or(info ? info->vcpus : 0);
    HV_TRY(control::use_vcpus(session.privcmd(), *store, domain, wanted));
    if (!arguments.wait) return {};
    auto const has_as_many = [&]() -> Result<bool> {
        auto const now = HV_TRY(session.privcmd().domain_info(domain.id));
        if (!now) return fail(ESRCH, "domain {} has ended", arguments.operand);
        return now->online_vcpus == wanted;
    };
    return wait_until(arguments.timeout_seconds, fmt::format("domain {} does not use {} vcpus", arguments.operand, wanted), has_as_many);
}

Status sched(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domains = HV_TRY(chosen_domains(session, arguments.operand));
    if (arguments.weight || arguments.cap) {
        if (arguments.operand.empty()) return fail(EINVAL, "whose? name the domain: hospes sched DOMAIN --weight N --cap N");
        auto share = HV_TRY(session.privcmd().sched_share(domains[0].id));
        share.weight = arguments.weight.value_or(share.weight);
        share.cap = arguments.cap.value_or(share.cap);
        return session.privcmd().set_sched_share(domains[0].id, share);
    }
    auto const width = name_width(domains);
    auto rows = json::array();
    if (!arguments.json) fmt::print("{:<{}}  {:>5}  {:>6}  {:>5}\n", "NAME", width, "ID", "WEIGHT", "CAP");
    for (auto const& domain : domains) {
        auto const share = session.privcmd().sched_share(domain.id);
        if (!share && share.error().code() == ESRCH && arguments.operand.empty()) continue;  // it has ended meanwhile
        if (!share) return std::unexpected(share.error());
        rows.push_back({{"name", domain.name}, {"id", domain.id.raw()}, {"weight", share->weight}, {"cap_percent", share->cap}});
        if (arguments.json) continue;
        fmt::print("{:<{}}  {:>5}  {:>6}  {:>5}\n", shown_name(domain), width, domain.id.raw(), share->weight,
                   share->cap == 0 ? "none" : fmt::format("{} %", share->cap));
    }
    if (arguments.json) print_json({{"scheduler", "credit2"}, {"domains", rows}});
    return {};
}

}  // namespace hospes::cli
