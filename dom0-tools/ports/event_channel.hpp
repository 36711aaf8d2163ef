// SPDX-License-Identifier: Apache-2.0
// Event channels of the control domain, as /dev/xen/evtchn offers them. A port that fires stays masked until unmask():
// whoever serves a port decides when it may be disturbed again.
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/result.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace hospes {

class CompletionRing;
class EventChannelDevice;

// One bound local port: closed by the destructor. The device must outlive it.
class BoundPort {
public:
    BoundPort() = default;
    BoundPort(EventChannelDevice& device, EventPort port) : device_{&device}, port_{port} {}
    BoundPort(BoundPort&& other) noexcept : device_{std::exchange(other.device_, nullptr)}, port_{other.port_} {}
    BoundPort& operator=(BoundPort&& other) noexcept;
    ~BoundPort() { reset(); }

    EventPort number() const { return port_; }
    explicit operator bool() const { return device_ != nullptr; }

    // ENOTCONN of a port that is not bound.
    Status notify() const;
    Status unmask() const;
    void reset();

private:
    EventChannelDevice* device_ = nullptr;
    EventPort port_;
};

class EventChannelDevice {
public:
    using Handler = std::function<void()>;

    virtual ~EventChannelDevice() = default;

    // Binds a new local port to a port that `remote` has left unbound for us. EINVAL if it has not, ESRCH/EINVAL for no such domain.
    // `handler` is called each time the port fires; the port is masked then until unmask().
    Result<BoundPort> bind_interdomain(DomId remote, EventPort remote_port, Handler handler);

    // Binds a new local port to one of the control domain's virtual interrupts (VIRQ_* of xen/xen.h); EBUSY if it is bound already.
    Result<BoundPort> bind_virq(std::uint32_t virq, Handler handler);

protected:
    // Calls the handler of a port that has fired. A port without one (closed meanwhile) is left masked.
    void dispatch(EventPort port);

private:
    friend class BoundPort;
    virtual Result<EventPort> do_bind_interdomain(DomId remote, EventPort remote_port) = 0;
    virtual Result<EventPort> do_bind_virq(std::uint32_t virq) = 0;
    virtual Status do_notify(EventPort port) = 0;
    virtual Status do_unmask(EventPort port) = 0;
    virtual void do_unbind(EventPort port) = 0;
    void unbind(EventPort port);
    BoundPort adopt(EventPort port, Handler handler);

    struct Handlers;
    std::shared_ptr<Handlers> handlers_;
};

// The real device. Fired ports are read and dispatched from `loop`; both must outlive the ports.
Result<std::unique_ptr<EventChannelDevice>> open_event_channels(EventLoop& loop);

// The same on a ring, where it costs no system calls of its own. An unmask is made at the end of the loop's turn; if it is refused, the
// handler is called again and gets the error of the unmask() that it makes then.
Result<std::unique_ptr<EventChannelDevice>> open_event_channels(CompletionRing& ring);

}  // namespace hospes
