// SPDX-License-Identifier: Apache-2.0
// A loop that waits in a completion ring.
#pragma once

#include "dom0-tools/base/completion_ring.hpp"

#include <catch2/catch.hpp>

namespace hospes::test {

// Where the kernel refuses io_uring it says so and is false: nothing can be tested.
struct RingLoop {
    EventLoop loop;
    CompletionRing* ring = nullptr;
    RingLoop() {
        if (auto const opened = CompletionRing::open(loop)) ring = *opened;
        else WARN(opened.error().message());
    }
    explicit operator bool() const { return ring != nullptr; }
};

}  // namespace hospes::test
