// SPDX-License-Identifier: Apache-2.0
// multicall (13): a batch of hypercalls, each result written back into its entry.
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/preempt.hpp"

namespace hospes {
namespace {

constexpr u32 kCallsBetweenChecks = 4;  // each of them looks itself when it is long

// False when a call of the batch made the caller wait or stop.
bool is_caller_running(Vcpu const& caller) {
    return caller.is_up && !caller.sched.is_blocked && caller.sched.pause_count == 0 && caller.domain().pause_count == 0;
}

// Calls that change what the way back to the guest returns to make no sense inside a batch.
bool is_allowed_in_multicall(u64 number) { return number != __HYPERVISOR_iret && number != __HYPERVISOR_multicall; }

}  // namespace

[[gnu::flatten]] Outcome hypercall_multicall(Vcpu& caller, HypercallArgs& args) {
    GuestHandle<multicall_entry_t> const calls{args[0]};
    u32 const count = static_cast<u32>(args[1]);
    Status status{};
    u32 i = 0;
    for (; i < count; ++i) {
        if (i % kCallsBetweenChecks == kCallsBetweenChecks - 1 && preempt_pending()) {
            status = Errno::restart;
            break;
        }
        multicall_entry_t entry;
        HV_TRY(calls.read_into(entry, i));
        static_assert(sizeof entry.args == sizeof(HypercallArgs));
        auto& call_args = *reinterpret_cast<HypercallArgs*>(entry.args);
        Outcome const outcome =
            is_allowed_in_multicall(entry.op) ? dispatch_hypercall(caller, entry.op, call_args) : Outcome{Errno::no_system_call};
        if (!outcome.ok() && outcome.error() == Errno::restart) {
            // The entry says where to go on; the guest may change it meanwhile, so it is decoded anew.
            HV_TRY(calls.write(entry, i));
            status = Errno::restart;
            break;
        }
        i64 const result = outcome.ok() ? outcome.value() : to_abi(outcome.error());
        GuestAddress const result_field = calls.offset(i).address() + offsetof(multicall_entry_t, result);
        HV_TRY(copy_to_guest(result_field, &result, sizeof result));
        if (!is_caller_running(caller)) {  // it blocked, yielded or shut down: the rest comes when it runs again
            status = i + 1 < count ? Status{Errno::restart} : Status{};
            ++i;
            break;
        }
    }
    if (status.ok()) return 0;
    args[0] = calls.offset(i).address().raw();
    args[1] = count - i;
    return status.error();
}

}  // namespace hospes
