// SPDX-License-Identifier: Apache-2.0
// Event channels without a hypervisor: the test fires ports and sees what was notified.
#pragma once

#include "dom0-tools/ports/event_channel.hpp"

#include <functional>
#include <map>
#include <set>

namespace hospes::test {

class FakeEventChannels final : public EventChannelDevice {
public:
    struct Port {
        DomId remote;
        EventPort remote_port;
        bool masked = false;
        bool pending = false;
        int notified = 0;  // how often the other end was notified through this port
    };

    // The remote end (domain, port) may be bound from now on.
    void offer(DomId domain, EventPort port) { offered_.insert({domain, port}); }

    // The remote end of `port` sends an event: dispatched now, or at unmask() if the port is masked.
    void fire(EventPort port) {
        auto const found = ports_.find(port);
        if (found == ports_.end()) return;
        if (found->second.masked) {
            found->second.pending = true;
            return;
        }
        found->second.masked = true;
        dispatch(port);
    }

    // The one local port that is bound to (domain, port): the test fails by exception if there is none.
    EventPort local_port(DomId domain, EventPort remote_port) const {
        for (auto const& [number, port] : ports_)
            if (port.remote == domain && port.remote_port == remote_port) return number;
        throw std::runtime_error{"no such port is bound"};
    }

    std::map<EventPort, Port> const& ports() const { return ports_; }

    std::function<void()> on_notify;  // what the domain does as soon as it is notified

private:
    Result<EventPort> do_bind_interdomain(DomId remote, EventPort remote_port) override {
        if (!offered_.contains({remote, remote_port})) return fail(EINVAL, "domain {} does not offer port {}", remote.raw(), remote_port.raw());
        EventPort const port{next_++};
        ports_[port] = {.remote = remote, .remote_port = remote_port};
        return port;
    }
    Result<EventPort> do_bind_virq(std::uint32_t) override {
        EventPort const port{next_++};
        ports_[port] = {};
        return port;
    }
    Status do_notify(EventPort port) override {
        ++ports_.at(port).notified;
        if (on_notify) on_notify();
        return {};
    }
    Status do_unmask(EventPort port) override {
        auto& entry = ports_.at(port);
        entry.masked = false;
        if (std::exchange(entry.pending, false)) fire(port);
        return {};
    }
    void do_unbind(EventPort port) override { ports_.erase(port); }

    std::set<std::pair<DomId, EventPort>> offered_;
    std::map<EventPort, Port> ports_;
    std::uint32_t next_ = 40;
};

}  // namespace hospes::test
