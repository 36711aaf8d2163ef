// SPDX-License-Identifier: Apache-2.0
// /dev/xen/evtchn on a completion ring.
#include "dom0-tools/ports/event_channel_linux.hpp"
#include "dom0-tools/ports/port_stream.hpp"

#include <spdlog/spdlog.h>

namespace hospes {
namespace {

class RingEventChannels final : public LinuxEventChannels {
public:
    RingEventChannels(UniqueFd fd, CompletionRing& ring)
        : LinuxEventChannels{std::move(fd)},
          stream_{ring, this->fd(), {.fired = [this](EventPort port) { dispatch(port); }, .read_failed = [this](Error const& error) { on_error(error); }}} {}

private:
    Status do_unmask(EventPort port) override { return stream_.unmask(port); }

    void do_unbind(EventPort port) override {
        stream_.forget(port);
        LinuxEventChannels::do_unbind(port);
    }

    void on_error(Error const& error) const {
        if (error.code() == EFBIG) reset_buffer();
        else spdlog::error("/dev/xen/evtchn: {}", error.message());
    }

    PortStream stream_;
};

}  // namespace

Result<std::unique_ptr<EventChannelDevice>> open_event_channels(CompletionRing& ring) {
    return std::make_unique<RingEventChannels>(HV_TRY(LinuxEventChannels::open_device()), ring);
}

}  // namespace hospes
