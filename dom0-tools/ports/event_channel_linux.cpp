// SPDX-License-Identifier: Apache-2.0
// The ioctls of /dev/xen/evtchn (xen/sys/evtchn.h; linux-pv-abi.md 5.1).
#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/event_channel.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>

extern "C" {
#include <xen/xen.h>
#include <xen/sys/evtchn.h>
}

namespace hospes {
namespace {

constexpr char const* kDevice = "/dev/xen/evtchn";

class LinuxEventChannels final : public EventChannelDevice {
public:
    explicit LinuxEventChannels(UniqueFd fd) : fd_{std::move(fd)} {}

    Status watch(EventLoop& loop) {
        watch_ = HV_TRY(loop.watch_fd(fd_.get(), {.readable = true}, [this](FdEvents events) { on_ready(events); }));
        return {};
    }

private:
    Result<EventPort> do_bind_interdomain(DomId remote, EventPort remote_port) override {
        ioctl_evtchn_bind_interdomain request{.remote_domain = remote.raw(), .remote_port = remote_port.raw()};
        int const port = ::ioctl(fd_.get(), IOCTL_EVTCHN_BIND_INTERDOMAIN, &request);
        if (port < 0) return fail_errno("bind to port {} of domain {}", remote_port.raw(), remote.raw());
        return EventPort{static_cast<std::uint32_t>(port)};
    }

    Result<EventPort> do_bind_virq(std::uint32_t virq) override {
        ioctl_evtchn_bind_virq request{.virq = virq};
        int const port = ::ioctl(fd_.get(), IOCTL_EVTCHN_BIND_VIRQ, &request);
        if (port < 0) return fail_errno("bind virtual interrupt {}", virq);
        return EventPort{static_cast<std::uint32_t>(port)};
    }

    Status do_notify(EventPort port) override {
        ioctl_evtchn_notify request{.port = port.raw()};
        if (::ioctl(fd_.get(), IOCTL_EVTCHN_NOTIFY, &request) < 0) return fail_errno("notify port {}", port.raw());
        return {};
    }

    Status do_unmask(EventPort port) override {
        std::uint32_t const number = port.raw();
        if (::write(fd_.get(), &number, sizeof number) != sizeof number) return fail_errno("unmask port {}", number);
        return {};
    }

    void do_unbind(EventPort port) override {
        ioctl_evtchn_unbind request{.port = port.raw()};
        // The kernel closes the port even if the remote end is gone; only a port that is not ours can be refused.
        if (::ioctl(fd_.get(), IOCTL_EVTCHN_UNBIND, &request) < 0) spdlog::error("{}", Error::from_errno(fmt::format("close port {}", port.raw())).message());
    }

    void on_ready(FdEvents events) {
        if (events.failed) recover();
        std::array<std::uint32_t, 64> fired;
        auto const size = ::read(fd_.get(), fired.data(), sizeof fired);
        if (size < 0 && errno == EFBIG) recover();
        if (size <= 0) return;
        for (std::size_t i = 0; i < static_cast<std::size_t>(size) / sizeof fired[0]; ++i) dispatch(EventPort{fired[i]});
    }

    // The kernel's buffer is as large as the number of ports, so it overflows only if something is badly wrong; go on all the same.
    void recover() {
        spdlog::error("{}: the buffer of fired ports overflowed", kDevice);
        if (::ioctl(fd_.get(), IOCTL_EVTCHN_RESET) < 0) spdlog::error("{}", Error::from_errno("reset it").message());
        if (auto const status = watch_.set_events({.readable = true}); !status) spdlog::error("{}", status.error().message());
    }

    UniqueFd fd_;
    FdWatch watch_;
};

}  // namespace

Result<std::unique_ptr<EventChannelDevice>> open_event_channels(EventLoop& loop) {
    auto device = std::make_unique<LinuxEventChannels>(HV_TRY(open_file(kDevice, O_RDWR | O_NONBLOCK)));
    HV_TRY(device->watch(loop));
    return device;
}

}  // namespace hospes
