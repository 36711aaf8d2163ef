// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace hospes::control {

/// Where a daemon says what went wrong, for messages: a file where our images' scripts have started it, systemd's journal elsewhere.
inline std::string log_of(std::string_view daemon) {
    auto const path = fmt::format("/var/log/hospes/{}.log", daemon);
    return ::access(path.c_str(), F_OK) == 0 ? path : fmt::format("'journalctl -u hospes-{}'", daemon);
}

}  // namespace hospes::control
