// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/cli/verbs.hpp"

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hospes::cli {

/// What a command line asks for; or `text` to print instead, with this exit status.
struct Command {
    Verb const* verb = nullptr;
    Arguments arguments;
    std::string text;
    int exit_status = 0;
};

/// The exit status for a command line that is no command.
inline constexpr int kUsageStatus = 2;

/// Reads the words behind "hospes".
Command parse(std::vector<std::string> words);

/// The help for all verbs, or for one.
std::string help_text(Verb const* verb);

}  // namespace hospes::cli
