// SPDX-License-Identifier: Apache-2.0
// From creation to the last frame: how domains begin, stop and go.
#pragma once

#include "hypervisor/core/domain/domain.hpp"

namespace hospes {

// Makes a domain, paused once by the control domain, without memory or vcpus. Errno::exists, Errno::no_memory.
Result<Domain*> create_domain(System& system, DomId id);

// Gives it its vcpus, all down. Errno::invalid: has some already, or more than kMaxVcpus.
Status create_vcpus(Domain& domain, u32 count);

// The domain stops with `reason`: its vcpus run no more, and the control domain is told (VIRQ_DOM_EXC). When the domain is dom0 the
// machine powers off or restarts.
void shut_down_domain(Domain& domain, ShutdownReason reason);
// The reason that it will have, whatever it is shut down with later (SCHEDOP_shutdown_code). The first one counts.
void set_shutdown_reason(Domain& domain, ShutdownReason reason);

// The guest did what it must not, and cannot be given an error: shut down with `crash`. `why` goes to the log.
void crash_domain(Vcpu& vcpu, char const* why);

// Kills the domain and gives up what it holds. Errno::restart: call again to go on. A domain whose frames others still map stays
// `dead` until they let go.
Status destroy_domain(Domain& domain);

// The last reference of a frame of `owner` has gone (core/mm).
void frame_left_domain(System& system, DomId owner, bool is_core_page);
// Nobody has a grant of the domain pinned any more (core/grant). Its own frames may have gone before, those of the core do not say so.
void last_pin_left_domain(Domain& domain);

// Frees dead domains that hold nothing any more (called where nobody uses a Domain pointer).
void reap_dead_domains(System& system);

}  // namespace hospes
