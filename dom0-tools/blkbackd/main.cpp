// SPDX-License-Identifier: Apache-2.0
// blkbackd: the backend of all virtual disks of the control domain.
#include "dom0-tools/backend/daemon.hpp"
#include "dom0-tools/base/completion_ring.hpp"
#include "dom0-tools/blkbackd/virtual_disk.hpp"

using namespace hospes;

namespace {

Status serve(CompletionRing& ring, backend::Ports ports, std::function<void()> const& run) {
    blkbackd::BufferPool buffers{HV_TRY(ports.grants.copy_memory(blkbackd::BufferPool::kPages))};  // the engine's requests hold some
    auto const engine = blkbackd::make_uring_engine(ring);
    blkbackd::BlockConnection::Ports const block_ports{ports.loop, ports.events, ports.grants, *engine, buffers};
    backend::Bus bus{ports.loop, ports.store, "vbd", [&](backend::DeviceNodes nodes, backend::DeviceEvents events) {
        return std::make_unique<blkbackd::VirtualDisk>(block_ports, std::move(nodes), std::move(events));
    }};
    HV_TRY(bus.start());
    run();
    return {};
}

}  // namespace

// Disks and events share a ring, the loop's: so a request's I/O is handed over by the call that waits for the next event.
int main(int argc, char** argv) {
    CompletionRing* ring = nullptr;
    auto const open_events = [&](EventLoop& loop) -> Result<std::unique_ptr<EventChannelDevice>> {
        ring = HV_TRY(CompletionRing::open(loop));
        return open_event_channels(*ring);
    };
    auto const serve_on_ring = [&](backend::Ports ports, std::function<void()> const& run) { return serve(*ring, ports, run); };
    return backend::run_daemon("blkbackd", argc, argv, serve_on_ring, open_events);
}
