// SPDX-License-Identifier: Apache-2.0
// Joins a terminal (or a script) and the console of a domain, which need not listen.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstdint>
#include <string>

namespace hospes::cli {

class ConsoleRelay {
public:
    enum class Outcome : std::uint8_t { left, ended };

    /// `socket` is consoled's. `is_terminal`: somebody types at `keys`, whose Ctrl-] must be seen whatever the domain does; of what a
    /// domain does not take, only so much is kept then. A file or pipe waits instead. The descriptors stay the caller's.
    ConsoleRelay(int keys, int screen, int socket, bool is_terminal)
        : keys_{keys}, screen_{screen}, socket_{socket}, is_terminal_{is_terminal} {}

    /// Until Ctrl-] has come (`left`) or consoled has ended the connection (`ended`). The end of `keys` alone ends nothing.
    Result<Outcome> run();

private:
    void take_keys();
    Result<bool> show_output();
    Status send_pending();
    bool wants_keys() const;

    int keys_, screen_, socket_;
    bool is_terminal_;
    bool have_keys_ended_ = false;
    bool is_leaving_ = false;  // when all before Ctrl-] has been sent
    std::string pending_;      // keys that consoled has not taken yet
};

}  // namespace hospes::cli
