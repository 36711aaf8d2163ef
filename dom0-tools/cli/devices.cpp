// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/devices.hpp"

#include "dom0-tools/control/domain_record.hpp"

#include <array>

namespace hospes::cli {
namespace {

// Which backend nodes hold what people want to know.
struct Kind {
    std::string_view folder;
    std::string_view name;
    std::string_view name_node;
    std::string_view source_node;
    std::string_view mode_node;
};

constexpr std::array kKinds{
    Kind{"vbd", "disk", "dev", "params", "mode"},
    Kind{"vif", "interface", "vifname", "bridge", "mac"},
};

// Source: xen/io/xenbus.h.
constexpr std::array<std::string_view, 9> kStates{"unknown", "initialising", "waiting", "initialised", "connected",
                                                  "closing", "closed", "reconfiguring", "reconfigured"};

std::string state_name(std::string const& number) {
    bool const known = number.size() == 1 && number[0] >= '0' && number[0] < '0' + static_cast<char>(kStates.size());
    // What else a domain writes there is not shown: it might be meant for the terminal.
    return std::string{kStates[known ? static_cast<std::size_t>(number[0] - '0') : 0]};
}

Result<std::string> value(xenstore::StoreView const& store, std::string const& folder, std::string_view node) {
    return HV_TRY(store.read_if_present(fmt::format("{}/{}", folder, node))).value_or("");
}

}  // namespace

Result<std::vector<Device>> devices_of(xenstore::StoreView const& store, DomId domain) {
    std::vector<Device> devices;
    for (auto const& kind : kKinds) {
        auto const home = fmt::format("/local/domain/0/backend/{}/{}", kind.folder, domain.raw());
        for (auto const& number : HV_TRY(control::children_of(store, home))) {
            auto const back = fmt::format("{}/{}", home, number);
            // Not the frontend that the domain could name: the one that belongs here.
            auto const front = fmt::format("{}/device/{}/{}", control::domain_path(domain), kind.folder, number);
            devices.push_back({std::string{kind.name}, HV_TRY(value(store, back, kind.name_node)),
                               HV_TRY(value(store, back, kind.source_node)), HV_TRY(value(store, back, kind.mode_node)),
                               state_name(HV_TRY(value(store, back, "state"))),
                               state_name(HV_TRY(value(store, front, "state")))});
        }
    }
    return devices;
}

std::string shown(Device const& device) {
    return fmt::format("{}: {} ({}), backend {}, frontend {}", device.name, device.source, device.mode,
                       device.backend_state, device.frontend_state);
}

nlohmann::json to_json(Device const& device) {
    bool const is_disk = device.kind == "disk";
    return {{"kind", device.kind},
            {"name", device.name},
            {is_disk ? "source" : "bridge", device.source},
            {is_disk ? "mode" : "mac", device.mode},
            {"backend_state", device.backend_state},
            {"frontend_state", device.frontend_state}};
}

}  // namespace hospes::cli
