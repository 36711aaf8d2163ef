// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/store_setup.hpp"

#include <chrono>

namespace hospes::control {

/// Waits until each backend says hotplug-status=connected. An error is the backend's own sentence (hotplug-error), or
/// ETIMEDOUT with the daemon that did not answer; both with the place in `file` that asks for the device.
Status wait_for_backends(xenstore::Client& store, std::vector<BackendDevice> const& devices, std::string const& file,
                         std::chrono::milliseconds patience);

}  // namespace hospes::control
