// SPDX-License-Identifier: Apache-2.0
// netbackd: the backend of all virtual network cards of the control domain.
#include "dom0-tools/backend/daemon.hpp"
#include "dom0-tools/netbackd/virtual_card.hpp"

namespace {

using namespace hospes;

Status serve(backend::Ports ports, std::function<void()> const& run) {
    netbackd::FrameStore frames{HV_TRY(ports.grants.copy_memory(netbackd::FrameStore::kPages))};
    netbackd::NetConnection::Ports const net_ports{ports.loop, ports.events, ports.grants, frames};
    backend::Bus bus{ports.loop, ports.store, "vif", [&](backend::DeviceNodes nodes, backend::DeviceEvents events) {
        return std::make_unique<netbackd::VirtualCard>(net_ports, std::move(nodes), std::move(events));
    }};
    HV_TRY(bus.start());
    run();
    return {};
}

}  // namespace

int main(int argc, char** argv) { return hospes::backend::run_daemon("netbackd", argc, argv, serve); }
