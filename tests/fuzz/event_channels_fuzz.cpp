// SPDX-License-Identifier: Apache-2.0
// event_channel_op as three domains may call it, dom0 among them: any sub-operation with any arguments, faults and preemption anywhere.
// A panic, a broken invariant, a sanitizer's report or a frame that is missing at the end is a find.
#include "hypervisor/core/event/event_channels.hpp"

#include "tests/fuzz/fuzz_run.hpp"
#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/world.hpp"

using namespace hospes;
using namespace hospes::test;

namespace {

// Every structure of event_channel_op fits; the fields lie where each operation wants them.
union AnyOperation {
    evtchn_alloc_unbound_t alloc_unbound;
    evtchn_bind_interdomain_t bind_interdomain;
    evtchn_bind_virq_t bind_virq;
    evtchn_bind_pirq_t bind_pirq;
    evtchn_bind_ipi_t bind_ipi;
    evtchn_close_t port;
    evtchn_status_t status;
    evtchn_bind_vcpu_t bind_vcpu;
    evtchn_reset_t reset;
    u64 raw[4];
};

u16 any_domain(FuzzInput& input) {
    u8 const choice = input.byte();
    return choice < 200 ? choice % 3 : choice < 240 ? u16{DOMID_SELF} : input.number<u16>();
}

u32 any_port(FuzzInput& input) { return input.small_or_any<u32>(8); }

AnyOperation any_operation(FuzzInput& input, u64 command) {
    AnyOperation op{};
    switch (command) {
    case EVTCHNOP_alloc_unbound: op.alloc_unbound = {any_domain(input), any_domain(input), 0}; break;
    case EVTCHNOP_bind_interdomain: op.bind_interdomain = {any_domain(input), any_port(input), 0}; break;
    case EVTCHNOP_bind_virq: op.bind_virq = {input.small_or_any<u32>(24), input.small_or_any<u32>(3), 0}; break;
    case EVTCHNOP_bind_pirq: op.bind_pirq = {input.small_or_any<u32>(20), input.byte(), 0}; break;
    case EVTCHNOP_status:
        op.status.dom = any_domain(input);
        op.status.port = any_port(input);
        break;
    case EVTCHNOP_bind_vcpu: op.bind_vcpu = {any_port(input), input.small_or_any<u32>(3)}; break;
    case EVTCHNOP_reset: op.reset = {any_domain(input)}; break;
    default: op.port = {any_port(input)};
    }
    return op;
}

struct FuzzWorld : World {
    FuzzWorld() : World{96} {
        add_domain(1, 2);
        add_domain(2, 2);
    }
};

void run_one(FuzzWorld& world, FuzzInput& input) {
    Domain& domain = *world.domains.find(DomId{static_cast<u16>(input.byte() % 3)}).value();
    Vcpu& caller = *domain.vcpus[input.byte() % domain.max_vcpus];
    u64 const command = input.byte() % 16;
    GuestArray<AnyOperation> arg;
    *arg = any_operation(input, command);
    u8 const choice = input.byte();
    Trouble const trouble{choice % 16 < 2 ? choice % 16 : -1, choice >> 4 < 4 ? choice >> 4 : -1};
    (void)World::call(caller, hypercall_event_channel_op, command, arg.address());
    // A hostile guest writes what it shares with the core.
    if (choice == 0xff) domain.shared_info->evtchn_pending[0] = input.number<u64>();
    if (choice == 0xfe) domain.shared_info->evtchn_mask[0] = input.number<u64>();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, usize size) {
    pirqs() = FakePirqs{};
    return run_all<FuzzWorld>({data, size}, run_one, [](FuzzWorld& world) {
        for (u16 id = 0; id < 3; ++id) world.domains.find(DomId{id}).value()->events.check();
    });
}
