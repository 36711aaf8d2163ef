// SPDX-License-Identifier: Apache-2.0
// All devices of one kind: found below /local/domain/0/backend/<kind>, each taken through the handshake. Nothing is remembered
// that is not in the store, so a daemon that was killed finds its devices again at start.
#pragma once

#include "dom0-tools/backend/allowance.hpp"
#include "dom0-tools/backend/device.hpp"
#include "dom0-tools/base/event_loop.hpp"

#include <map>
#include <set>

namespace hospes::backend {

// What is done again without an event, and how soon.
struct Pacing {
    std::chrono::milliseconds reopen{1'000};       // what is behind a device whose frontend has been connected all the time
    std::chrono::milliseconds rest{50};            // a look whether a device is at rest
    std::chrono::milliseconds start_over{10'000};  // a driver that starts over, when it has done so too often at once
    unsigned start_overs_at_once = 10;
};

class Bus {
public:
    // `loop` and `store` must outlive the bus.
    Bus(EventLoop& loop, xenstore::Client const& store, std::string kind, DeviceFactory factory, Pacing pacing = {});
    ~Bus();

    // Registers the watches; devices that are there already are found by their first event.
    Status start();

    std::size_t device_count() const { return devices_.size(); }

private:
    struct Entry;
    // Of one device, for as long as its directory stands.
    struct StartOvers {
        Allowance allowance;
        bool is_told = false;
    };

    void on_backend_event(std::string_view path);
    void on_domain_gone();
    void scan();
    void mark(DeviceAddress address);
    void work();
    void look_again(DeviceAddress address);

    Status evaluate(DeviceAddress address);
    Status add(DeviceAddress address);
    Result<Seen> look(DeviceAddress address, Entry const& entry) const;
    Status perform(Entry& entry, Action action);
    Status probe(Entry& entry);
    Status connect(Entry& entry, bool is_reattach);
    Status finish(Entry& entry);
    void forget(DeviceAddress address);
    bool may_start_over(DeviceAddress address, Entry& entry);
    Status try_open(Entry& entry);
    void report_open_failure(Entry& entry, Error const& error);
    void on_device_failure(DeviceAddress address, Error const& error);

    EventLoop& loop_;
    xenstore::Client const& store_;
    std::string kind_;
    std::string root_;
    DeviceFactory factory_;
    Pacing pacing_;
    std::map<DeviceAddress, std::unique_ptr<Entry>> devices_;
    std::map<DeviceAddress, StartOvers> start_overs_;
    std::set<DeviceAddress> dirty_;
    xenstore::Watch backend_watch_;
    xenstore::Watch release_watch_;
    Timer worker_;
};

}  // namespace hospes::backend
