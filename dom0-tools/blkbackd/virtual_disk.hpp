// SPDX-License-Identifier: Apache-2.0
// The disk backend of the xenbus handshake: which disk it is, what it offers, its connection.
#pragma once

#include "dom0-tools/backend/device.hpp"
#include "dom0-tools/blkbackd/block_connection.hpp"

#include <chrono>

namespace hospes::blkbackd {

class VirtualDisk final : public backend::Device {
public:
    VirtualDisk(BlockConnection::Ports ports, backend::DeviceNodes nodes, backend::DeviceEvents events);

    Status probe() override;
    Result<bool> open() override;
    Status connect() override;
    void disconnect() override { connection_.reset(); }
    bool is_at_rest() const override { return disk_.use_count() <= 1; }  // requests under way hold it, too

private:
    Result<std::optional<std::string>> configured_path() const;
    Result<DiskMode> configured_mode() const;
    Result<bool> wait_for_others(Error const& error);
    Result<std::string> users_of(std::string const& path) const;
    DiskCounters* counters();
    Status publish() const;

    BlockConnection::Ports ports_;
    backend::DeviceNodes nodes_;
    backend::DeviceEvents events_;
    std::shared_ptr<Disk const> disk_;
    std::optional<DiskCounters> counters_;  // outlives the connection
    std::shared_ptr<BlockConnection> connection_;
    int busy_attempts_ = 0;
    Timer retry_;
};

}  // namespace hospes::blkbackd
