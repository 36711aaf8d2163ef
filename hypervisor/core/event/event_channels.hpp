// SPDX-License-Identifier: Apache-2.0
// The event channels of one domain: what each port is bound to, and the operations on ports.
//
// Invariants (checked by EventChannels::check and by the tests):
//  E1  Two ports are interdomain with each other or not at all; both ends change state together, under both domains' locks.
//  E2  A virq is bound to at most one port a vcpu (a global virq: a domain), and vcpu.virq_ports names that port.
//  E3  A free port is not pending in the domain's words when it is handed out again.
//  E4  Closing all ports of a domain leaves no port of another domain interdomain with it.
//  E5  No port below the one that closing all goes on with is in use: a pass that was broken off and never resumed leaves out nothing.
#pragma once

#include "hypervisor/base/result.hpp"
#include "hypervisor/base/spinlock.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/event/two_level.hpp"

#include <array>
#include <atomic>

namespace hospes {

class Domain;
class EventChannels;

enum class PortState : u8 { free, reserved, unbound, interdomain, pirq, virq, ipi };

// One port. Read and written under the domain's event lock, but for `vcpu`, which a sender of the other end reads without.
struct Port {
    Domain* remote = nullptr;       // interdomain: who has the other end
    u32 number = 0;                 // unbound: the domain that may bind; interdomain: the remote port; pirq, virq: its number
    std::atomic<u16> vcpu{0};       // whom it notifies
    PortState state = PortState::free;
};
static_assert(sizeof(Port) == 16);

// What EVTCHNOP_status tells of a port.
struct PortStatus {
    PortState state = PortState::free;
    VcpuId vcpu{};
    DomId domain{};     // unbound: who may bind; interdomain: the peer
    EventPort port{};   // interdomain: the peer's port
    u32 number = 0;     // pirq, virq: its number
};

// A port taken out of the free ones, given back on destruction unless it has been bound.
class [[nodiscard]] PortReservation {
public:
    PortReservation(EventChannels& owner, EventPort port) : owner_{&owner}, port_{port} {}
    PortReservation(PortReservation&& other) noexcept : owner_{other.owner_}, port_{other.port_} { other.owner_ = nullptr; }
    PortReservation(PortReservation const&) = delete;
    PortReservation& operator=(PortReservation const&) = delete;
    PortReservation& operator=(PortReservation&&) = delete;
    ~PortReservation();

    EventPort port() const { return port_; }
    EventPort release() {
        owner_ = nullptr;
        return port_;
    }

private:
    EventChannels* owner_;
    EventPort port_;
};

class EventChannels {
public:
    explicit EventChannels(Domain& domain);
    EventChannels(EventChannels const&) = delete;
    EventChannels& operator=(EventChannels const&) = delete;

    // The highest port number this domain may use (xen_domctl_createdomain.max_evtchn_port). Default: all the layout has.
    void limit_ports(u32 highest);

    // The lowest free port. Errno::no_space: none below the limit; Errno::no_memory; Errno::invalid: the domain is dying.
    // A caller first reserves, then tells the guest the number, then binds: binding is the last thing that can fail.
    Result<PortReservation> reserve();

    // EVTCHNOP_alloc_unbound: domain `remote` may bind to the port.
    EventPort make_unbound(PortReservation port, DomId remote);
    // EVTCHNOP_bind_interdomain. Errno::invalid: `remote_port` is not unbound for this domain. Sets the local port pending once.
    Status bind_interdomain(PortReservation port, Domain& remote, EventPort remote_port);
    // EVTCHNOP_bind_virq. Errno::invalid: no such virq, or a global one not on vcpu 0; Errno::no_entry: no such vcpu; Errno::exists:
    // bound already; Errno::perm: a virq of the control domain.
    Status bind_virq(PortReservation port, Virq virq, VcpuId vcpu);
    // EVTCHNOP_bind_ipi. Errno::no_entry: no such vcpu.
    Status bind_ipi(PortReservation port, VcpuId vcpu);
    // EVTCHNOP_bind_pirq. The errors of bind_pirq in pirq.hpp.
    Status bind_pirq(PortReservation port, Pirq pirq, bool will_share);

    // EVTCHNOP_close; the other end of an interdomain port becomes unbound. Errno::invalid: not bound.
    Status close(EventPort port);
    // EVTCHNOP_send by the owner of `port`. An unbound port takes it silently. Errno::invalid: neither interdomain nor ipi.
    Status send(EventPort port);
    // EVTCHNOP_unmask. Errno::invalid: no such port.
    Status unmask(EventPort port);
    // EVTCHNOP_bind_vcpu. Errno::no_entry: no such vcpu; Errno::invalid: no such port, or one whose vcpu is fixed.
    Status bind_vcpu(EventPort port, VcpuId vcpu);
    // EVTCHNOP_status. Errno::invalid: no such port.
    Result<PortStatus> status(EventPort port);

    // Closes every port (destruction of the domain, EVTCHNOP_reset). Errno::restart: call again to go on.
    Status close_all();
    // Gives the bookkeeping back to the heap. All ports are closed and nobody sends any more.
    void free_tables();

    // Makes a port pending for its vcpu, without a lock of ours: from interrupts. A port closed meanwhile gives a spurious event, no more.
    void raise(EventPort port);
    // Errno::invalid: no such port.
    Result<bool> is_pending(EventPort port);

    // Vcpus of this domain that sleep in SCHEDOP_poll (core/event/poll.hpp).
    std::atomic<u32>& pollers() { return pollers_; }
    Spinlock& lock() { return lock_; }

    // How many ports are in each PortState.
    std::array<u32, 7> count_states();
    // The first invariant above that is broken, or null.
    char const* find_fault();
    // Panics when there is one (tests).
    void check() { HV_ASSERT(find_fault() == nullptr); }

private:
    friend class PortReservation;

    static constexpr u32 kPortsPerBucket = kPageSize / sizeof(Port);
    static constexpr u32 kBuckets = two_level::kPorts / kPortsPerBucket;

    Port* find(EventPort port) const;
    void raise(EventPort number, Port const& port);
    Status grow(u32 bucket);
    void give_back(EventPort port);
    void free_locked(EventPort number, Port& port);
    void bind_locked(EventPort number, PortState state, u32 what, VcpuId vcpu);
    bool close_interdomain(EventPort number, Domain& remote);
    void unbind_locked(EventPort number, Port const& port);
    void forget_virq(EventPort number, Virq virq);
    static bool has_fixed_vcpu(Port const& port);
    char const* fault_of(EventPort number, Port const& port) const;

    Domain& domain_;
    Spinlock lock_{LockRank::event};
    std::array<std::atomic<Port*>, kBuckets> buckets_{};  // heap pages, kept until free_tables()
    u32 highest_;
    u32 first_free_ = 1;  // no port below is free
    u32 next_to_close_ = 1;   // E5
    std::atomic<u32> pollers_{0};
};

}  // namespace hospes
