// SPDX-License-Identifier: Apache-2.0
// The verbs that only look.
#include "dom0-tools/cli/devices.hpp"
#include "dom0-tools/cli/parser.hpp"
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"
#include "dom0-tools/control/memory_size.hpp"

#include <algorithm>

namespace hospes::cli {
namespace {

using nlohmann::json;

constexpr char kVersion[] = "0.1";

json topology_json(std::vector<Processor> const& processors, CpuSet online) {
    auto rows = json::array();
    for (unsigned cpu = 0; cpu < processors.size(); ++cpu) {
        auto const& each = processors[cpu];
        rows.push_back({{"cpu", cpu}, {"socket", each.socket}, {"core", each.core}, {"online", online.contains(cpu)}});
    }
    return rows;
}

// "0: socket 0, core 0; 1: socket 0, core 1, offline"
std::string shown_topology(std::vector<Processor> const& processors, CpuSet online) {
    std::string text;
    for (unsigned cpu = 0; cpu < processors.size(); ++cpu) {
        text += fmt::format("{}{}: socket {}, core {}{}", text.empty() ? "" : "; ", cpu, processors[cpu].socket, processors[cpu].core,
                            online.contains(cpu) ? "" : ", offline");
    }
    return text;
}

json machine_json(PhysicalInfo const& machine, HypervisorVersion const& version, std::size_t domains) {
    return {{"hypervisor_version", fmt::format("{}.{}{}", version.major, version.minor, version.extra)},
            {"capabilities", version.capabilities},
            {"command_line", version.command_line},
            {"cpus", machine.cpus},
            {"cpu_khz", machine.cpu_khz},
            {"cores_per_socket", machine.cores_per_socket},
            {"threads_per_core", machine.threads_per_core},
            {"memory_bytes", machine.total_pages * kPageSize},
            {"free_memory_bytes", machine.free_pages * kPageSize},
            {"domains", domains}};
}

void print_row(std::string_view name, std::string const& value) { fmt::print("{:<20} {}\n", name, value); }

Status machine_info(Session& session, bool as_json) {
    auto const machine = HV_TRY(session.privcmd().physical_info());
    auto const hypervisor = HV_TRY(session.privcmd().version());
    auto const domains = HV_TRY(session.privcmd().list_domains()).size();
    auto const processors = HV_TRY(session.privcmd().processors());
    auto const online = HV_TRY(session.privcmd().online_processors());
    if (as_json) {
        auto value = machine_json(machine, hypervisor, domains);
        value["topology"] = topology_json(processors, online);
        print_json(value);
        return {};
    }
    print_row("hypervisor", fmt::format("{}.{}{}", hypervisor.major, hypervisor.minor, hypervisor.extra));
    print_row("capabilities", hypervisor.capabilities);
    print_row("command line", hypervisor.command_line);
    print_row("cpus", fmt::format("{} of {} MHz, {} cores a socket, {} threads a core", machine.cpus, machine.cpu_khz / 1000,
                                  machine.cores_per_socket, machine.threads_per_core));
    print_row("topology", shown_topology(processors, online));
    print_row("memory", control::shown_size(machine.total_pages * kPageSize));
    print_row("free memory", control::shown_size(machine.free_pages * kPageSize));
    print_row("domains", fmt::format("{}", domains));
    return {};
}

Status domain_info(Session& session, std::string const& name, bool as_json) {
    auto const domain = HV_TRY(session.find(name));
    std::vector<Device> devices;
    if (session.store() != nullptr) devices = HV_TRY(devices_of(*session.store(), domain.id));
    if (as_json) {
        auto value = to_json(domain);
        value["devices"] = json::array();
        for (auto const& device : devices) value["devices"].push_back(to_json(device));
        print_json(value);
        return {};
    }
    print_row("name", domain.name);
    print_row("id", fmt::format("{}", domain.id.raw()));
    print_row("uuid", to_string(domain.uuid));
    print_row("state", std::string{control::to_string(domain.state)});
    print_row("vcpus", fmt::format("{}", domain.vcpus));
    print_row("memory", control::shown_size(domain.memory_bytes));
    print_row("cpu time", fmt::format("{:.1f} s", static_cast<double>(domain.cpu_time_ns) / 1e9));
    for (auto const& device : devices) print_row(device.kind, shown(device));
    return {};
}

}  // namespace

Status list(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domains = HV_TRY(session.domains());
    if (arguments.json) {
        auto rows = json::array();
        for (auto const& domain : domains) rows.push_back(to_json(domain));
        print_json({{"domains", rows}});
        return {};
    }
    std::size_t width = 8;
    for (auto const& domain : domains) width = std::max(width, domain.name.size());
    fmt::print("{:<{}}  {:>5}  {:<8}  {:>5}  {:>9}  {:>9}\n", "NAME", width, "ID", "STATE", "VCPUS", "MEMORY", "CPU TIME");
    for (auto const& domain : domains) {
        fmt::print("{:<{}}  {:>5}  {:<8}  {:>5}  {:>9}  {:>7.1f} s\n", domain.name.empty() ? "-" : domain.name, width,
                   domain.id.raw(), control::to_string(domain.state), domain.vcpus, control::shown_size(domain.memory_bytes),
                   static_cast<double>(domain.cpu_time_ns) / 1e9);
    }
    return {};
}

Status info(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    if (arguments.operand.empty()) return machine_info(session, arguments.json);
    return domain_info(session, arguments.operand, arguments.json);
}

Status dmesg(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const log = HV_TRY(session.privcmd().console_log());
    if (arguments.json) {
        print_json({{"log", log}});
    } else {
        fmt::print("{}{}", log, log.empty() || log.ends_with('\n') ? "" : "\n");
    }
    return {};
}

Status version(Arguments const& arguments) {
    auto session = Session::open();
    std::string hypervisor = "not running";
    if (session) {
        auto const running = HV_TRY(session->privcmd().version());
        hypervisor = fmt::format("{}.{}{}", running.major, running.minor, running.extra);
    }
    if (arguments.json) {
        print_json({{"version", kVersion}, {"hypervisor_version", session ? json(hypervisor) : json(nullptr)}});
    } else {
        fmt::print("hospes {}\nhypervisor {}\n", kVersion, hypervisor);
    }
    return {};
}

Status help(Arguments const& arguments) {
    auto const* const verb = arguments.operand.empty() ? nullptr : find_verb(arguments.operand);
    if (verb == nullptr && !arguments.operand.empty()) return fail(EINVAL, "there is no verb '{}'", arguments.operand);
    fmt::print("{}", help_text(verb));
    return {};
}

}  // namespace hospes::cli
