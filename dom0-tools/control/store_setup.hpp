// SPDX-License-Identifier: Apache-2.0
// A domain's nodes in xenstore: its own tree, its devices' two ends, and their removal.
#pragma once

#include "dom0-tools/control/domain_config.hpp"
#include "dom0-tools/control/pv_builder.hpp"
#include "xenstore/client/client.hpp"

#include <string>
#include <vector>

namespace hospes::control {

/// One device as its backend sees it.
struct BackendDevice {
    std::string path;   ///< /local/domain/0/backend/vbd/5/51712
    std::string label;  ///< "disk xvda (/var/lib/hospes/web.img)", for messages
    std::string daemon; ///< who serves it
    int line = 0;       ///< where the file asks for it
};

/// Writes the domain's own tree (/local/domain/N, /vm/UUID), as xl lays it out: the domain may read all of it and write
/// where Linux has to. Meant for inside a transaction.
Status write_domain_nodes(xenstore::StoreView const& store, DomId domain, DomainConfig const& config, Uuid const& uuid,
                          BuiltDomain const& built);

/// Says which of a domain's vcpus its kernel shall use: the first `online` ones.
Status write_availability(xenstore::StoreView const& store, DomId domain, unsigned online, unsigned vcpus);

/// Writes frontend and backend directories of all disks and interfaces, in state 1. In the same transaction.
Status write_device_nodes(xenstore::StoreView const& store, DomId domain, DomainConfig const& config, Uuid const& uuid);

/// The devices that write_device_nodes() makes.
std::vector<BackendDevice> backend_devices(DomId domain, DomainConfig const& config);

/// The paths of all backend directories of a domain.
Result<std::vector<std::string>> backend_paths(xenstore::StoreView const& store, DomId domain);

/// Tells the backends of a domain that its devices are to go (online=0, state 5).
Status close_backends(xenstore::Client& store, DomId domain);

/// Removes everything that is written above, whoever wrote it. Nothing to remove is no error.
Status remove_domain_nodes(xenstore::Client& store, DomId domain, Uuid const& uuid);

}  // namespace hospes::control
