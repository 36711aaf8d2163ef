// SPDX-License-Identifier: Apache-2.0
// The verbs that change something.
#include "dom0-tools/cli/daemon_client.hpp"
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"
#include "dom0-tools/control/domain_control.hpp"

#include <cstdio>
#include <filesystem>

namespace hospes::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestDescription = 1 << 20;

// What the file says in vain goes to standard error; with --strict it is an error.
Status show_warnings(std::vector<std::string> const& warnings, bool strict) {
    if (strict && !warnings.empty()) return fail(EINVAL, "{} (--strict)", warnings.front());
    for (auto const& warning : warnings) fmt::print(stderr, "hospes: warning: {}\n", warning);
    return {};
}

Result<std::string> read_description(std::string const& path) {
    auto text = read_file(path, kLargestDescription);
    if (text) return text;
    return fail(text.error().code(), "{}; give the path of a domain's XML file", text.error().message());
}

// With the uuid: a domain that starts again just now has another number when hospesd reads this, or none yet. One that has ended and only
// lingers, its record gone, is not meant to stand for the one that may have followed it.
Result<json> order_to_destroy(Session& session, std::string const& name) {
    auto const domain = find_guest(session, name, "destroy itself");
    if (domain) {
        json order{{"verb", "destroy"}, {"id", domain->id.raw()}};
        bool const only_lingers = domain->state == control::DomainState::dying && !domain->is_ours;
        if (!only_lingers) order["uuid"] = to_string(domain->uuid);
        return order;
    }
    auto const is_unknown = domain.error().code() == ENOENT && session.store() != nullptr;
    if (auto const uuid = is_unknown ? HV_TRY(control::find_restarting(*session.store(), name)) : std::nullopt) {
        return json{{"verb", "destroy"}, {"uuid", to_string(*uuid)}};
    }
    return std::unexpected(domain.error());
}

}  // namespace

Status create(Arguments const& arguments) {
    auto const xml = HV_TRY(read_description(arguments.operand));
    if (arguments.strict) {
        auto const description = HV_TRY(control::read_domain_xml(xml, arguments.operand));
        HV_TRY(show_warnings(description.warnings, true));
    }
    auto const answer = HV_TRY(ask_hospesd({{"verb", "create"},
                                            {"xml", xml},
                                            {"file", arguments.operand},
                                            {"paused", arguments.paused}}));
    HV_TRY(show_warnings(answer.value("warnings", std::vector<std::string>{}), false));
    auto const name = answer.value("name", std::string{});
    auto const id = answer.value("id", 0u);
    if (arguments.json) {
        print_json({{"id", id}, {"name", name}});
    } else {
        fmt::print("domain {} is {}, id {}\n", name, arguments.paused ? "created and paused" : "started", id);
    }
    if (!arguments.console) return {};
    std::fflush(stdout);
    Arguments attach;
    attach.operand = fmt::format("{}", id);
    return console(attach);
}

Status pause(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(find_guest(session, arguments.operand, "pause"));
    if (domain.state == control::DomainState::paused) return {};
    return session.privcmd().pause_domain(domain.id);
}

Status unpause(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(find_guest(session, arguments.operand, "unpause"));
    if (domain.state != control::DomainState::paused) return {};
    return session.privcmd().unpause_domain(domain.id);
}

Status destroy(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const order = HV_TRY(order_to_destroy(session, arguments.operand));
    HV_TRY(ask_hospesd(order));
    return {};
}

Status check(Arguments const& arguments) {
    auto const xml = HV_TRY(read_description(arguments.operand));
    auto const description = HV_TRY(control::read_domain_xml(xml, arguments.operand));
    HV_TRY(show_warnings(description.warnings, arguments.strict));
    HV_TRY(control::check_host(description.config, arguments.operand, {}));
    HV_TRY(control::check_kernel(description.config, arguments.operand));
    if (arguments.json) {
        print_json({{"file", arguments.operand}, {"name", description.config.name}, {"warnings", description.warnings}});
    } else {
        fmt::print("{}: domain {} can be started (free memory and the disks of other domains are looked at then)\n", arguments.operand, description.config.name);
    }
    return {};
}

}  // namespace hospes::cli
