// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/ids.hpp"
#include "xenstore/client/client.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace hospes::cli {

/// A device of a domain as the store shows it.
struct Device {
    std::string kind;    ///< disk or interface
    std::string name;    ///< xvda; vif5.0
    std::string source;  ///< the image or the bridge
    std::string mode;    ///< a disk's r or w; an interface's address
    std::string backend_state;
    std::string frontend_state;
};

Result<std::vector<Device>> devices_of(xenstore::StoreView const& store, DomId domain);
std::string shown(Device const& device);
nlohmann::json to_json(Device const& device);

}  // namespace hospes::cli
