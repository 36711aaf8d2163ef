// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/event_channel_linux.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/ioctl.h>

extern "C" {
#include <xen/xen.h>
#include <xen/sys/evtchn.h>
}

namespace hospes {

Result<UniqueFd> LinuxEventChannels::open_device() { return open_file("/dev/xen/evtchn", O_RDWR | O_NONBLOCK); }

Result<EventPort> LinuxEventChannels::do_bind_interdomain(DomId remote, EventPort remote_port) {
    ioctl_evtchn_bind_interdomain request{.remote_domain = remote.raw(), .remote_port = remote_port.raw()};
    int const port = ::ioctl(fd(), IOCTL_EVTCHN_BIND_INTERDOMAIN, &request);
    if (port < 0) return fail_errno("bind to port {} of domain {}", remote_port.raw(), remote.raw());
    return EventPort{static_cast<std::uint32_t>(port)};
}

Result<EventPort> LinuxEventChannels::do_bind_virq(std::uint32_t virq) {
    ioctl_evtchn_bind_virq request{.virq = virq};
    int const port = ::ioctl(fd(), IOCTL_EVTCHN_BIND_VIRQ, &request);
    if (port < 0) return fail_errno("bind virtual interrupt {}", virq);
    return EventPort{static_cast<std::uint32_t>(port)};
}

Status LinuxEventChannels::do_notify(EventPort port) {
    ioctl_evtchn_notify request{.port = port.raw()};
    if (::ioctl(fd(), IOCTL_EVTCHN_NOTIFY, &request) < 0) return fail_errno("notify port {}", port.raw());
    return {};
}

void LinuxEventChannels::do_unbind(EventPort port) {
    ioctl_evtchn_unbind request{.port = port.raw()};
    // The kernel closes the port even if the remote end is gone; only a port that is not ours can be refused.
    if (::ioctl(fd(), IOCTL_EVTCHN_UNBIND, &request) < 0) spdlog::error("{}", Error::from_errno(fmt::format("close port {}", port.raw())).message());
}

void LinuxEventChannels::reset_buffer() const {
    spdlog::error("/dev/xen/evtchn: the buffer of fired ports overflowed");
    if (::ioctl(fd(), IOCTL_EVTCHN_RESET) < 0) spdlog::error("{}", Error::from_errno("reset it").message());
}

}  // namespace hospes
