// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/requests.hpp"

#include "hypervisor/machine/context_switch.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/tlb.hpp"

namespace hospes {
namespace {

bool is_in(u32 requests, Request request) { return (requests & static_cast<u32>(request)) != 0; }

}  // namespace

void send_request(Pcpu& target, Request request) {
    target.requests.fetch_or(static_cast<u32>(request));
    send_ipi(target.apic_id, kKickVector);
}

void serve_requests() {
    Pcpu& pcpu = this_pcpu();
    if (pcpu.requests.load(std::memory_order_relaxed) == 0) return;
    u32 const requests = pcpu.requests.exchange(0);
    bool const has_nothing_loaded = unload_idle_vcpu(pcpu);
    if (is_in(requests, Request::flush_tlb) && !has_nothing_loaded) tlb_flush_local();
    if (is_in(requests, Request::unload_idle) && !has_nothing_loaded) pcpu.requests.fetch_or(static_cast<u32>(Request::unload_idle));
}

void relax_while_waiting() {
    serve_requests();
    __builtin_ia32_pause();
}

}  // namespace hospes
