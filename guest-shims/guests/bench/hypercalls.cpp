// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

namespace hospes::guest {

void bench_hypercalls() {
    measure("empty_loop", [] { asm volatile(""); });
    measure("null_hypercall", [] {
        u64 number = 63;
        asm volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
    });
    measure("xen_version", [] { static_cast<void>(hv::xen_version(XENVER_version)); });
    static multicall_entry_t calls[32];
    for (multicall_entry_t &call : calls) call.op = __HYPERVISOR_xen_version;
    measure("multicall_32", [] { static_cast<void>(hv::multicall(calls, 32)); });
    measure("yield_alone", [] { static_cast<void>(hv::sched_op(SCHEDOP_yield)); });
    measure("stack_switch", [] { static_cast<void>(hv::stack_switch(kFlatSs, user_trap_stack())); });
    measure("set_segment_base", [] { static_cast<void>(hv::set_segment_base(SEGBASE_GS_USER, 0)); });
}

}  // namespace hospes::guest
