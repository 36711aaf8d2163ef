// SPDX-License-Identifier: Apache-2.0
// How a domain sees its ports: the layout of the pending and mask bits in memory shared with it. The logic of ports
// (event_channels.hpp) knows only this interface; two_level.hpp is the layout of today, FIFO can become another.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

class Domain;
class Vcpu;

class PortWords {
public:
    constexpr PortWords() = default;
    PortWords(PortWords const&) = delete;
    PortWords& operator=(PortWords const&) = delete;

    // Ports of a domain, port 0 included.
    virtual u32 port_count() const = 0;

    // Makes `port` pending. If it was not: raises an upcall of `target` (null: nobody is there yet) unless the port is masked, and wakes
    // vcpus that poll for it. Without locks.
    virtual void set_pending(Domain& domain, EventPort port, Vcpu* target) const = 0;
    virtual void clear_pending(Domain& domain, EventPort port) const = 0;
    virtual bool is_pending(Domain& domain, EventPort port) const = 0;
    // Clears the mask, then raises an upcall of `target` when the port is pending.
    virtual void unmask(Domain& domain, EventPort port, Vcpu* target) const = 0;

protected:
    ~PortWords() = default;
};

}  // namespace hospes
