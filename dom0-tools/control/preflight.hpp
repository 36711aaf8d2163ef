// SPDX-License-Identifier: Apache-2.0
// What can be found wrong before anything is built.
#pragma once

#include "dom0-tools/control/domain_config.hpp"
#include "dom0-tools/ports/privcmd.hpp"
#include "xenstore/client/client.hpp"

#include <string>

namespace hospes::control {

/// Where dom0's kernel tells about its devices; tests have folders of their own.
struct HostPaths {
    std::string network = "/sys/class/net";
    std::string block = "/sys/block";
};

/// Kernel, ramdisk and disks are there and of the right kind, bridges exist, no disk is used by dom0 itself.
/// Errors: "file:line: what, where; what to do".
Status check_host(DomainConfig const& config, std::string const& file, HostPaths const& host);

/// No domain has this name or writes to the same disks.
Status check_other_domains(DomainConfig const& config, std::string const& file, Privcmd& privcmd,
                           xenstore::StoreView const& store);

/// The hypervisor has enough free memory for it.
Status check_memory(DomainConfig const& config, std::string const& file, Privcmd& privcmd);

}  // namespace hospes::control
