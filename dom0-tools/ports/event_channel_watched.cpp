// SPDX-License-Identifier: Apache-2.0
// /dev/xen/evtchn as a descriptor that the loop watches.
#include "dom0-tools/ports/event_channel_linux.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <array>

namespace hospes {
namespace {

class WatchedEventChannels final : public LinuxEventChannels {
public:
    explicit WatchedEventChannels(UniqueFd fd) : LinuxEventChannels{std::move(fd)} {}

    Status watch(EventLoop& loop) {
        watch_ = HV_TRY(loop.watch_fd(fd(), {.readable = true}, [this](FdEvents events) { on_ready(events); }));
        return {};
    }

private:
    Status do_unmask(EventPort port) override {
        std::uint32_t const number = port.raw();
        if (::write(fd(), &number, sizeof number) != sizeof number) return fail_errno("unmask port {}", number);
        return {};
    }

    void on_ready(FdEvents events) {
        if (events.failed) recover();
        std::array<std::uint32_t, 64> fired;
        auto const size = ::read(fd(), fired.data(), sizeof fired);
        if (size < 0 && errno == EFBIG) recover();
        if (size <= 0) return;
        for (std::size_t i = 0; i < static_cast<std::size_t>(size) / sizeof fired[0]; ++i) dispatch(EventPort{fired[i]});
    }

    void recover() {
        reset_buffer();
        if (auto const status = watch_.set_events({.readable = true}); !status) spdlog::error("{}", status.error().message());
    }

    FdWatch watch_;
};

}  // namespace

Result<std::unique_ptr<EventChannelDevice>> open_event_channels(EventLoop& loop) {
    auto device = std::make_unique<WatchedEventChannels>(HV_TRY(LinuxEventChannels::open_device()));
    HV_TRY(device->watch(loop));
    return device;
}

}  // namespace hospes
