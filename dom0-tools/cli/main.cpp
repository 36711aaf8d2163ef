// SPDX-License-Identifier: Apache-2.0
// hospes: the command by which people see and steer the domains of a machine.
#include "dom0-tools/cli/parser.hpp"

#include <cstdio>

int main(int count, char** words) {
    auto const command = hospes::cli::parse({words + 1, words + count});
    if (command.verb == nullptr) {
        std::fputs(command.text.c_str(), command.exit_status == 0 ? stdout : stderr);
        return command.exit_status;
    }
    auto const done = command.verb->run(command.arguments);
    if (done) return 0;
    std::fprintf(stderr, "hospes: %s\n", done.error().message().c_str());
    return 1;
}
