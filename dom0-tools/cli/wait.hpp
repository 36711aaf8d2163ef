// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/result.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace hospes::cli {

/// Waits until `done`, a Result<bool>, says so, looking fifty times a second. ETIMEDOUT: "`what` within N s".
template <typename Done>
Status wait_until(unsigned seconds, std::string const& what, Done done) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
    while (!HV_TRY(done())) {
        if (std::chrono::steady_clock::now() >= deadline) {
            return fail(ETIMEDOUT, "{} within {} s; it goes on, and 'hospes list' shows when", what, seconds);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return {};
}

}  // namespace hospes::cli
