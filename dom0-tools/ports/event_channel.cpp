// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/event_channel.hpp"

#include <map>

namespace hospes {

// A handler may close its own port, so the call holds the handler by a reference of its own.
struct EventChannelDevice::Handlers {
    std::map<EventPort, std::shared_ptr<Handler>> by_port;
};

namespace {

Status not_bound() { return fail(ENOTCONN, "the event channel is not bound"); }

}  // namespace

BoundPort& BoundPort::operator=(BoundPort&& other) noexcept {
    if (this == &other) return *this;
    reset();
    device_ = std::exchange(other.device_, nullptr);
    port_ = other.port_;
    return *this;
}

Status BoundPort::notify() const { return device_ == nullptr ? not_bound() : device_->do_notify(port_); }
Status BoundPort::unmask() const { return device_ == nullptr ? not_bound() : device_->do_unmask(port_); }

void BoundPort::reset() {
    if (auto* device = std::exchange(device_, nullptr)) device->unbind(port_);
}

Result<BoundPort> EventChannelDevice::bind_interdomain(DomId remote, EventPort remote_port, Handler handler) {
    return adopt(HV_TRY(do_bind_interdomain(remote, remote_port)), std::move(handler));
}

Result<BoundPort> EventChannelDevice::bind_virq(std::uint32_t virq, Handler handler) {
    return adopt(HV_TRY(do_bind_virq(virq)), std::move(handler));
}

BoundPort EventChannelDevice::adopt(EventPort port, Handler handler) {
    if (!handlers_) handlers_ = std::make_shared<Handlers>();
    handlers_->by_port[port] = std::make_shared<Handler>(std::move(handler));
    return BoundPort{*this, port};
}

void EventChannelDevice::unbind(EventPort port) {
    handlers_->by_port.erase(port);
    do_unbind(port);
}

void EventChannelDevice::dispatch(EventPort port) {
    if (!handlers_) return;
    auto const found = handlers_->by_port.find(port);
    if (found == handlers_->by_port.end()) return;
    auto const handler = found->second;
    (*handler)();
}

}  // namespace hospes
