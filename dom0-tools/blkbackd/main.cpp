// SPDX-License-Identifier: Apache-2.0
// blkbackd: the backend of all virtual disks of the control domain.
#include "dom0-tools/backend/daemon.hpp"
#include "dom0-tools/blkbackd/virtual_disk.hpp"

namespace {

using namespace hospes;

Status serve(backend::Ports ports, std::function<void()> const& run) {
    blkbackd::GrantBudget budget;
    auto const engine = HV_TRY(blkbackd::make_uring_engine(ports.loop));
    blkbackd::BlockConnection::Ports const block_ports{ports.loop, ports.events, ports.grants, *engine, budget};
    backend::Bus bus{ports.loop, ports.store, "vbd", [&](backend::DeviceNodes nodes, backend::DeviceEvents events) {
        return std::make_unique<blkbackd::VirtualDisk>(block_ports, std::move(nodes), std::move(events));
    }};
    HV_TRY(bus.start());
    run();
    return {};
}

}  // namespace

int main(int argc, char** argv) { return hospes::backend::run_daemon("blkbackd", argc, argv, serve); }
