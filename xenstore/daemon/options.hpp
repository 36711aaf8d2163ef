// SPDX-License-Identifier: Apache-2.0
// The daemon's command line.
#pragma once

#include "dom0-tools/base/result.hpp"
#include "xenstore/tree/quota.hpp"

#include <optional>
#include <string>

namespace hospes::xenstore {

struct Options {
    std::string socket = "/run/xenstored/socket";
    bool use_hypervisor = true;
    std::string log_file;
    std::string log_level = "info";
    Quotas quotas;
};

// The options; or the program's exit status, when the command line said all there was to do (--help, a mistake).
std::expected<Options, int> parse_options(int argc, char** argv);

}  // namespace hospes::xenstore
