// SPDX-License-Identifier: Apache-2.0
// A pty whose terminal side other programs may open (screen, minicom, xl console).
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <string>

namespace hospes::consoled {

struct PseudoTerminal {
    UniqueFd controller;  // ours, non-blocking
    UniqueFd terminal;    // held open, so that ours does not report a hang-up whenever the last user leaves
    std::string path;     // of the terminal side: /dev/pts/N

    static Result<PseudoTerminal> make();
};

}  // namespace hospes::consoled
