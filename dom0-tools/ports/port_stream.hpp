// SPDX-License-Identifier: Apache-2.0
// The descriptor of an event-channel device on a completion ring: fired ports are read from it, ports to unmask written to it.
// Both go to the kernel with what the ring hands over anyway.
#pragma once

#include "dom0-tools/base/completion_ring.hpp"
#include "dom0-tools/base/ids.hpp"

#include <functional>
#include <vector>

namespace hospes {

class PortStream {
public:
    struct Events {
        std::function<void(EventPort)> fired;
        std::function<void(Error const&)> read_failed;  // reading goes on after it
    };

    // Both outlive this.
    PortStream(CompletionRing& ring, int fd, Events events);

    // Unmasks at the end of the loop's turn. If that is refused, the port is told as fired once more, and unmask() from within there
    // returns the error.
    Status unmask(EventPort port);
    // The port is being closed: what was asked for it and not handed over yet is forgotten.
    void forget(EventPort port);

private:
    class Read;
    class Unmask;
    struct Refusal {
        EventPort port;
        Error error;
    };

    void refused(EventPort port, int code);

    int fd_;
    Events events_;
    std::vector<EventPort> to_unmask_;  // not handed over yet
    bool is_unmask_started_ = false;    // there is an operation that takes them
    std::optional<Refusal> refusal_;    // while its port is told
    RingOperations operations_;
};

}  // namespace hospes
