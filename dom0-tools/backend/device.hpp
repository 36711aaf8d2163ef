// SPDX-License-Identifier: Apache-2.0
// What a kind of device (disk, network card) adds to the handshake.
#pragma once

#include "dom0-tools/backend/device_nodes.hpp"

#include <functional>
#include <memory>

namespace hospes::backend {

// One device of one domain. The destructor lets go of everything, ring included.
class Device {
public:
    virtual ~Device() = default;

    // Publishes what the frontend needs before it makes its ring.
    virtual Status probe() = 0;

    // Opens what is behind the device. False: not yet, ask again when the backend's directory changes.
    // The message of an error is shown to whoever creates the domain.
    virtual Result<bool> open() = 0;

    // Maps the ring that the frontend has described, binds its event channel, publishes what belongs to the connected state
    // and starts serving. An error closes this device only.
    virtual Status connect() = 0;

    // Stops serving and releases ring and event channel; what is behind the device stays open. May be called twice.
    virtual void disconnect() = 0;

    // False: work that was begun before disconnect() still uses what is behind the device, and nobody may be told that it is free.
    virtual bool is_at_rest() const { return true; }
};

// What a device may tell its bus, at any time; both take effect in the next turn of the loop.
struct DeviceEvents {
    std::function<void(Error const&)> failed;  // the frontend breaks the protocol: to be disconnected
    std::function<void()> changed;             // look again: open() may have another answer now
};

using DeviceFactory = std::function<std::unique_ptr<Device>(DeviceNodes, DeviceEvents)>;

}  // namespace hospes::backend
