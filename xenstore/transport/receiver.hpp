// SPDX-License-Identifier: Apache-2.0
// What a transport does with what it receives.
#pragma once

#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/result.hpp"
#include "xenstore/transport/output_queue.hpp"

namespace hospes::xenstore {

// One client as its transport sees it.
class Receiver {
public:
    virtual ~Receiver() = default;

    // Whether the client may be listened to now: not while too much waits to be fetched by it.
    virtual bool may_receive() const = 0;
    // A whole message; answers go to output().
    virtual void receive(Header const& header, std::string_view payload) = 0;
    // The client starts afresh: forget its watches and transactions, and what waits for it.
    virtual void reset() = 0;
    virtual OutputQueue& output() = 0;
    // For the log: "socket 12 of process 345", "domain 5".
    virtual std::string const& name() const = 0;
};

// How one client is reached. Destroying it cuts the client off.
class Transport {
public:
    virtual ~Transport() = default;
    // Sends as much as the client takes of what is waiting.
    virtual void flush() = 0;
};

// The link to a domain's ring.
class DomainLink : public Transport {
public:
    // Binds the domain's event channel and says what we speak. A second time, maybe with a new port, the connection starts
    // afresh.
    virtual Status connect(EventPort port) = 0;
};

// Transports with something to send. They are flushed once, at the end of the turn in which it came up.
class FlushList {
public:
    void add(Transport& transport) { waiting_.push_back(&transport); }
    void remove(Transport& transport) { std::erase(waiting_, &transport); }
    void run() {
        while (!waiting_.empty()) {
            auto* const next = waiting_.back();
            waiting_.pop_back();
            next->flush();
        }
    }

private:
    std::vector<Transport*> waiting_;
};

}  // namespace hospes::xenstore
