// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/store_setup.hpp"

#include <chrono>

namespace hospes::control {

/// Waits until each backend says hotplug-status=connected. An error is the backend's own sentence (hotplug-error), or
/// ETIMEDOUT with the daemon that did not answer; both with the place in `file` that asks for the device.
Status wait_for_backends(xenstore::Client& store, std::vector<BackendDevice> const& devices, std::string const& file,
                         std::chrono::milliseconds patience);

/// Waits until the backends of a domain that has ended are closed: they say so when its disks and cards are free.
/// ETIMEDOUT names one that is not.
Status wait_until_closed(xenstore::Client& store, DomId domain, std::chrono::milliseconds patience);

}  // namespace hospes::control
