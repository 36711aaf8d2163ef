// SPDX-License-Identifier: Apache-2.0
// The network backend of the xenbus handshake: the tap and its bridge, what is offered, the connection.
#pragma once

#include "dom0-tools/backend/device.hpp"
#include "dom0-tools/netbackd/net_connection.hpp"

#include <memory>
#include <optional>

namespace hospes::netbackd {

class VirtualCard final : public backend::Device {
public:
    VirtualCard(NetConnection::Ports ports, backend::DeviceNodes nodes, backend::DeviceEvents events)
        : ports_{ports}, nodes_{std::move(nodes)}, events_{std::move(events)} {}

    Status probe() override;
    Result<bool> open() override;
    Status connect() override;
    void disconnect() override { connection_.reset(); }

private:
    Result<std::uint32_t> configured_mtu(std::string const& bridge) const;
    Result<Offloads> frontend_offloads() const;

    NetConnection::Ports ports_;
    backend::DeviceNodes nodes_;
    backend::DeviceEvents events_;
    std::optional<Tap> tap_;
    std::uint32_t mtu_ = 1500;
    std::unique_ptr<NetConnection> connection_;
};

}  // namespace hospes::netbackd
