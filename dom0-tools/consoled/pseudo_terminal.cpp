// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/pseudo_terminal.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>

namespace hospes::consoled {

Result<PseudoTerminal> PseudoTerminal::make() {
    PseudoTerminal result;
    result.controller.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    if (!result.controller) return fail_errno("make a pseudo terminal");
    if (::grantpt(result.controller.get()) < 0 || ::unlockpt(result.controller.get()) < 0) return fail_errno("unlock a pseudo terminal");
    char path[64];
    if (int const code = ::ptsname_r(result.controller.get(), path, sizeof path); code != 0)
        return std::unexpected{Error::from_errno("name of a pseudo terminal", code)};
    result.path = path;
    result.terminal = HV_TRY(open_file(result.path, O_RDWR | O_NOCTTY));
    termios settings{};
    if (::tcgetattr(result.terminal.get(), &settings) < 0) return fail_errno("settings of {}", path);
    ::cfmakeraw(&settings);  // the domain's own tty layer does echo and line editing
    if (::tcsetattr(result.terminal.get(), TCSANOW, &settings) < 0) return fail_errno("settings of {}", path);
    return result;
}

}  // namespace hospes::consoled
