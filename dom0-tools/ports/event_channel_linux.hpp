// SPDX-License-Identifier: Apache-2.0
// The ioctls of /dev/xen/evtchn (xen/sys/evtchn.h; linux-pv-abi.md 5.1). How fired ports are read is left to the derived class.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/event_channel.hpp"

namespace hospes {

class LinuxEventChannels : public EventChannelDevice {
public:
    // The device's descriptor, which does not block.
    static Result<UniqueFd> open_device();

protected:
    explicit LinuxEventChannels(UniqueFd fd) : fd_{std::move(fd)} {}

    int fd() const { return fd_.get(); }
    void do_unbind(EventPort port) override;
    // The kernel's buffer is as large as the number of ports, so it overflows only if something is badly wrong; go on all the same.
    void reset_buffer() const;

private:
    Result<EventPort> do_bind_interdomain(DomId remote, EventPort remote_port) override;
    Result<EventPort> do_bind_virq(std::uint32_t virq) override;
    Status do_notify(EventPort port) override;

    UniqueFd fd_;
};

}  // namespace hospes
