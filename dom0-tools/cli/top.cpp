// SPDX-License-Identifier: Apache-2.0
// A table of the domains that is drawn anew every few seconds.
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/usage.hpp"
#include "dom0-tools/cli/verbs.hpp"

#include <unistd.h>

#include <cstdio>
#include <thread>

namespace hospes::cli {
namespace {

constexpr char kClear[] = "\x1b[H\x1b[2J";

void show(MachineUsage const& usage, Arguments const& arguments, bool is_live) {
    if (arguments.json) {
        fmt::print("{}\n", to_json(usage).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        fmt::print("{}{}{}", is_live ? kClear : "", to_table(usage), is_live ? "" : "\n");
    }
    std::fflush(stdout);
}

}  // namespace

// With --json one line for each look. Without a terminal there is nothing to redraw.
Status top(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    bool const is_live = !arguments.batch && !arguments.json && ::isatty(STDOUT_FILENO) == 1;
    auto before = HV_TRY(take_sample(session.privcmd(), session.store(), {}));
    for (unsigned count = 0; !arguments.iterations || count < *arguments.iterations; ++count) {
        std::this_thread::sleep_for(std::chrono::seconds{arguments.delay_seconds});
        auto after = HV_TRY(take_sample(session.privcmd(), session.store(), {}));
        show(usage_between(before, after), arguments, is_live);
        before = std::move(after);
    }
    return {};
}

}  // namespace hospes::cli
