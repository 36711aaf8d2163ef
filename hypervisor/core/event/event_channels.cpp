// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/event_channels.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/pirq.hpp"
#include "hypervisor/core/event/virq.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/preempt.hpp"

#include <algorithm>

namespace hospes {

namespace {

// For send_vcpu_virq, which reads without our lock.
void store_port(EventPort& slot, EventPort port) { __atomic_store(&slot, &port, __ATOMIC_RELEASE); }

}  // namespace

PortReservation::~PortReservation() {
    if (owner_ != nullptr) owner_->give_back(port_);
}

EventChannels::EventChannels(Domain& domain) : domain_{domain}, highest_{two_level::kPorts - 1} {}

void EventChannels::limit_ports(u32 highest) { highest_ = std::min(highest, two_level::kPorts - 1); }

// The table of ports.

Port* EventChannels::find(EventPort port) const {
    if (port.raw() - 1 >= highest_) return nullptr;  // neither 0, which is no port, nor above the highest
    u32 const number = masked_index(port.raw(), kBuckets * kPortsPerBucket);
    Port* const bucket = buckets_[number / kPortsPerBucket].load(std::memory_order_acquire);
    return bucket == nullptr ? nullptr : &bucket[number % kPortsPerBucket];
}

Status EventChannels::grow(u32 bucket) {
    if (buckets_[bucket].load(std::memory_order_relaxed) != nullptr) return {};
    Mfn const page = HV_TRY(domain_.system().heap.alloc());
    auto* const ports = frame_pointer<Port>(page);
    for (u32 i = 0; i < kPortsPerBucket; ++i) ::new (static_cast<void*>(&ports[i])) Port;
    buckets_[bucket].store(ports, std::memory_order_release);
    return {};
}

Result<PortReservation> EventChannels::reserve() {
    if (domain_.life != LifeState::alive) return Errno::invalid;
    LockGuard const guard{lock_};
    for (u32 number = first_free_; number <= highest_; ++number) {
        HV_TRY(grow(number / kPortsPerBucket));
        Port* const port = find(EventPort{number});
        if (port->state != PortState::free) continue;
        port->state = PortState::reserved;
        first_free_ = number + 1;
        next_to_close_ = std::min(next_to_close_, number);  // who closes all of them, now or later, comes past it
        return PortReservation{*this, EventPort{number}};
    }
    return Errno::no_space;
}

void EventChannels::give_back(EventPort number) {
    LockGuard const guard{lock_};
    free_locked(number, *find(number));
}

void EventChannels::free_locked(EventPort number, Port& port) {
    two_level::clear_pending(domain_, number);
    port.remote = nullptr;
    port.number = 0;
    port.vcpu.store(0, std::memory_order_relaxed);
    port.state = PortState::free;
    first_free_ = std::min(first_free_, number.raw());
}

void EventChannels::free_tables() {
    for (auto& bucket : buckets_) {
        Port* const ports = bucket.exchange(nullptr);
        if (ports == nullptr) continue;
        // A peer that is still bound would reach what is freed here.
        for (u32 i = 0; i < kPortsPerBucket; ++i) HV_ASSERT(ports[i].state == PortState::free);
        domain_.system().heap.free(frame_of_pointer(ports));
    }
}

// Binding. (A reservation not used is given back after the guard has gone: parameters outlive a function's own objects.)

void EventChannels::bind_locked(EventPort number, PortState state, u32 what, VcpuId vcpu) {
    Port& port = *find(number);
    port.number = what;
    port.vcpu.store(static_cast<u16>(vcpu.raw()), std::memory_order_relaxed);
    port.state = state;
}

EventPort EventChannels::make_unbound(PortReservation port, DomId remote) {
    LockGuard const guard{lock_};
    bind_locked(port.port(), PortState::unbound, remote.raw(), VcpuId{0});
    return port.release();
}

Status EventChannels::bind_interdomain(PortReservation port, Domain& remote, EventPort remote_port) {
    PairGuard const guard{lock_, domain_.id().raw(), remote.events.lock_, remote.id().raw()};
    Port* const peer = remote.events.find(remote_port);
    if (peer == nullptr || peer->state != PortState::unbound || peer->number != domain_.id().raw()) return Errno::invalid;

    EventPort const local = port.release();
    bind_locked(local, PortState::interdomain, remote_port.raw(), VcpuId{0});
    find(local)->remote = &remote;
    peer->state = PortState::interdomain;
    peer->remote = &domain_;
    peer->number = local.raw();
    raise(local);  // the peer may have sent while nobody was bound
    return {};
}

Status EventChannels::bind_virq(PortReservation port, Virq virq, VcpuId vcpu) {
    VirqScope const scope = scope_of(virq);
    if (scope == VirqScope::unknown || (scope != VirqScope::vcpu && vcpu != VcpuId{0})) return Errno::invalid;
    if (scope == VirqScope::control_domain && !domain_.is_control_domain()) return Errno::perm;
    Vcpu* const target = domain_.vcpu(vcpu);
    if (target == nullptr) return Errno::no_entry;

    LockGuard const guard{lock_};
    EventPort& slot = target->virq_ports[masked_index(virq.raw(), kPerVcpuVirqs)];
    if (slot != EventPort{}) return Errno::exists;
    EventPort const number = port.release();
    bind_locked(number, PortState::virq, virq.raw(), vcpu);
    store_port(slot, number);
    return {};
}

Status EventChannels::bind_ipi(PortReservation port, VcpuId vcpu) {
    if (domain_.vcpu(vcpu) == nullptr) return Errno::no_entry;
    LockGuard const guard{lock_};
    bind_locked(port.release(), PortState::ipi, 0, vcpu);
    return {};
}

Status EventChannels::bind_pirq(PortReservation port, Pirq pirq, bool will_share) {
    LockGuard const guard{lock_};
    HV_TRY(hospes::bind_pirq(domain_, pirq, port.port(), will_share));
    bind_locked(port.release(), PortState::pirq, pirq.raw(), VcpuId{0});
    return {};
}

// Closing.

void EventChannels::forget_virq(EventPort number, Virq virq) {
    for (u32 id = 0; id < domain_.max_vcpus; ++id) {
        Vcpu* const vcpu = domain_.vcpus[id];
        if (vcpu == nullptr || vcpu->virq_ports[virq.raw()] != number) continue;
        store_port(vcpu->virq_ports[virq.raw()], EventPort{});
    }
}

// Undoes what a port other than an interdomain one is known by elsewhere.
void EventChannels::unbind_locked(EventPort number, Port const& port) {
    if (port.state == PortState::virq) forget_virq(number, Virq{port.number});
    if (port.state == PortState::pirq) unbind_pirq(domain_, Pirq{port.number});
}

// False: the port has changed since the caller looked.
bool EventChannels::close_interdomain(EventPort number, Domain& remote) {
    PairGuard const guard{lock_, domain_.id().raw(), remote.events.lock_, remote.id().raw()};
    Port& port = *find(number);
    if (port.state != PortState::interdomain || port.remote != &remote) return false;
    Port& peer = *remote.events.find(EventPort{port.number});
    peer.state = PortState::unbound;
    peer.remote = nullptr;
    peer.number = domain_.id().raw();
    free_locked(number, port);
    return true;
}

Status EventChannels::close(EventPort number) {
    for (;;) {
        Domain* remote = nullptr;
        {
            LockGuard const guard{lock_};
            Port* const port = find(number);
            if (port == nullptr || port->state == PortState::free || port->state == PortState::reserved) return Errno::invalid;
            remote = port->remote;
            if (remote == nullptr) {
                unbind_locked(number, *port);
                free_locked(number, *port);
                return {};
            }
        }
        if (close_interdomain(number, *remote)) return {};
    }
}

Status EventChannels::close_all() {
    for (; next_to_close_ <= highest_; ++next_to_close_) {
        EventPort const port{next_to_close_};
        if (find(port) == nullptr) {
            next_to_close_ |= kPortsPerBucket - 1;  // no such bucket: go on with the next
            continue;
        }
        if (!close(port).ok()) continue;  // it was free
        if (preempt_pending()) {
            ++next_to_close_;
            return Errno::restart;
        }
    }
    next_to_close_ = 1;
    return {};
}

// Use.

void EventChannels::raise(EventPort number) {
    Port const* const port = find(number);
    if (port != nullptr) raise(number, *port);
}

void EventChannels::raise(EventPort number, Port const& port) {
    two_level::set_pending(domain_, number, domain_.vcpu(VcpuId{port.vcpu.load(std::memory_order_relaxed)}));
}

Status EventChannels::send(EventPort number) {
    LockGuard const guard{lock_};
    Port const* const port = find(number);
    if (port == nullptr) return Errno::invalid;
    switch (port->state) {
    case PortState::interdomain:
        // The other end stays as it is while we hold one lock of the two.
        port->remote->events.raise(EventPort{port->number});
        return {};
    case PortState::ipi: raise(number, *port); return {};
    case PortState::unbound: return {};
    default: return Errno::invalid;
    }
}

Status EventChannels::unmask(EventPort number) {
    LockGuard const guard{lock_};
    Port const* const port = find(number);
    if (port == nullptr) return Errno::invalid;
    two_level::unmask(domain_, number, domain_.vcpu(VcpuId{port->vcpu.load(std::memory_order_relaxed)}));
    return {};
}

bool EventChannels::has_fixed_vcpu(Port const& port) {
    switch (port.state) {
    case PortState::unbound:
    case PortState::interdomain:
    case PortState::pirq: return false;
    case PortState::virq: return scope_of(Virq{port.number}) == VirqScope::vcpu;
    default: return true;
    }
}

Status EventChannels::bind_vcpu(EventPort number, VcpuId vcpu) {
    if (domain_.vcpu(vcpu) == nullptr) return Errno::no_entry;
    LockGuard const guard{lock_};
    Port* const port = find(number);
    if (port == nullptr || has_fixed_vcpu(*port)) return Errno::invalid;
    port->vcpu.store(static_cast<u16>(vcpu.raw()), std::memory_order_relaxed);
    return {};
}

Result<PortStatus> EventChannels::status(EventPort number) {
    LockGuard const guard{lock_};
    Port const* const port = find(number);
    if (port == nullptr) return Errno::invalid;
    PortStatus status{.state = port->state, .vcpu = VcpuId{port->vcpu.load(std::memory_order_relaxed)}};
    switch (port->state) {
    case PortState::unbound: status.domain = DomId{static_cast<u16>(port->number)}; break;
    case PortState::interdomain:
        status.domain = port->remote->id();
        status.port = EventPort{port->number};
        break;
    default: status.number = port->number; break;
    }
    return status;
}

Result<bool> EventChannels::is_pending(EventPort port) {
    if (find(port) == nullptr) return Errno::invalid;
    return two_level::is_pending(domain_, port);
}

}  // namespace hospes
