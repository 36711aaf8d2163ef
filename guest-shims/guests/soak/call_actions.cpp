// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

namespace hospes::guest {

void do_grants(World &world) {
    if (grants_init() != 0) return;
    const GrantRef ref{static_cast<u32>(16 + world.random.below(8))};
    const unsigned which = static_cast<unsigned>(world.random.below(kPorts));
    const u16 usual = world.random.one_in(2) ? world.neighbour : world.own_domain;
    const u16 domain = world.random.one_in(8) ? static_cast<u16>(world.any_domain()) : usual;
    switch (world.random.below(5)) {
        case 0: {
            volatile grant_entry_v1_t &grant = grant_entry(ref);
            grant.frame = static_cast<u32>(raw(world.any_mfn()));
            grant.domid = domain;
            grant.flags = static_cast<u16>(world.random.one_in(4) ? world.random.next() : GTF_permit_access | (world.random.below(2) << 2));
            break;
        }
        case 1: {
            const bool by_entry = world.random.one_in(3);
            const u32 flags = static_cast<u32>(world.random.one_in(4) ? world.random.next() : GNTMAP_host_map | (world.random.below(2) << 2) | (by_entry ? GNTMAP_contains_pte : 0));
            const u64 where = by_entry ? world.window.l1.slot(static_cast<unsigned>(world.random.below(16))) : world.window.va(static_cast<unsigned>(world.random.below(16)));
            world.counts.add(map_grant(domain, ref, world.random.one_in(8) ? world.any_address() & ~(kVirtBase) : where, flags, world.handles[which]));
            break;
        }
        case 2:
            world.counts.add(unmap_grant(world.random.one_in(4) ? static_cast<u32>(world.random.next()) : world.handles[which], world.window.va(static_cast<unsigned>(world.random.below(16)))));
            break;
        default: {
            gnttab_copy_t copy{};
            copy.source.u.gmfn = world.random.one_in(2) ? raw(ref) : raw(world.any_mfn());
            copy.dest.u.gmfn = world.random.one_in(2) ? raw(ref) : raw(world.any_page().mfn());
            copy.source.domid = domain;
            copy.dest.domid = world.random.one_in(2) ? world.own_domain : static_cast<u16>(DOMID_SELF);
            copy.source.offset = static_cast<u16>(world.random.below(4100));
            copy.dest.offset = static_cast<u16>(world.random.below(4100));
            copy.len = static_cast<u16>(world.random.below(4100));
            copy.flags = static_cast<u16>(world.random.below(4));
            world.counts.add(hv::grant_table_op(GNTTABOP_copy, &copy, 1));
        }
    }
}

void do_events(World &world) {
    const unsigned which = static_cast<unsigned>(world.random.below(kPorts));
    EventPort port{world.ports[which]};
    switch (world.random.below(9)) {
        case 0: world.counts.add(alloc_unbound(static_cast<u16>(world.any_domain()), static_cast<u16>(world.any_domain()), port)); break;
        case 1: world.counts.add(bind_interdomain(static_cast<u16>(world.any_domain()), EventPort{world.any_port()}, port)); break;
        case 2: world.counts.add(bind_ipi(static_cast<u32>(world.random.one_in(2) ? 0 : world.random.next()), port)); break;
        case 3: world.counts.add(bind_virq(static_cast<u32>(world.random.one_in(2) ? VIRQ_DEBUG : world.random.below(40)), 0, port)); break;
        case 4:
            if (world.ports[which] != 0) world.counts.add(close_port(port));
            port = EventPort{0};
            break;
        case 5: unmask_port(EventPort{world.any_port() % kMaxPorts}); break;
        case 6: {
            evtchn_status_t status{};
            status.dom = static_cast<domid_t>(world.any_domain());
            status.port = world.any_port();
            world.counts.add(hv::event_channel_op(EVTCHNOP_status, &status));
            break;
        }
        case 7: {
            evtchn_bind_vcpu_t move{world.any_port(), static_cast<u32>(world.random.one_in(2) ? 0 : world.random.next())};
            world.counts.add(hv::event_channel_op(EVTCHNOP_bind_vcpu, &move));
            break;
        }
        default: world.counts.add(send_event(EventPort{world.any_port()}));
    }
    world.ports[which] = raw(port);
}

void do_small_calls(World &world) {
    switch (world.random.below(8)) {
        case 0: world.counts.add(hv::set_segment_base(static_cast<u32>(world.random.below(6)), world.random.one_in(2) ? world.any_address() : world.random.next())); break;
        case 1: world.counts.add(hypercall(__HYPERVISOR_set_debugreg, world.random.below(10), world.random.one_in(2) ? world.any_address() : world.random.next() & 0xffff00ff)); break;
        case 2: world.counts.add(hv::vm_assist(static_cast<u32>(world.random.below(3)), static_cast<u32>(world.random.below(40)))); break;
        case 3: world.counts.add(hv::set_timer_op(world.random.next() >> 8)); break;
        case 4: world.counts.add(hv::vcpu_op(VCPUOP_is_up, static_cast<u32>(world.random.next()))); break;
        case 5: world.counts.add(hypercall(__HYPERVISOR_xen_version, world.random.below(16), world.window.va(static_cast<unsigned>(world.random.below(16))))); break;
        case 6: world.counts.add(hv::sched_op(SCHEDOP_yield)); break;
        default: world.counts.add(hypercall(56 + world.random.below(1UL << 40), world.random.next(), world.random.next(), world.random.next(), world.random.next(), world.random.next()));
    }
}

void do_bad_pointers(World &world) {
    // Calls that take a pointer; none that ends the domain, stops its clock or speaks to the machine.
    constexpr u32 kNumbers[] = {__HYPERVISOR_mmu_update, __HYPERVISOR_set_gdt, __HYPERVISOR_multicall, __HYPERVISOR_mmuext_op,
                                __HYPERVISOR_grant_table_op, __HYPERVISOR_event_channel_op, __HYPERVISOR_memory_op, __HYPERVISOR_callback_op};
    const u32 number = kNumbers[world.random.below(sizeof kNumbers / 4)];
    const u64 count = world.random.one_in(2) ? 1 + world.random.below(64) : world.random.next() & 0x7fffffff;
    constexpr u64 kBad[] = {0x1000, 0xffff82d040200000, kHypervisorEnd - 8, kNonCanonical, kHypervisorStart + 0x50000000000};
    const u64 bad = kBad[world.random.below(sizeof kBad / 8)];
    const bool command_first = number == __HYPERVISOR_grant_table_op || number == __HYPERVISOR_event_channel_op ||
                               number == __HYPERVISOR_memory_op || number == __HYPERVISOR_callback_op;
    // memory_op's frame arrays and event reset need no pointer to do harm to ourselves: those commands are left out.
    u64 command = world.random.below(9);
    if (number == __HYPERVISOR_callback_op) command = CALLBACKOP_register;
    world.counts.add(command_first ? hypercall(number, command, bad, count) : hypercall(number, bad, count, 0, world.any_domain()));
}

namespace {

/// What one entry of a multicall points to.
struct Arguments {
    mmu_update_t request;
    mmuext_op_t operation;
    gnttab_copy_t copy;
    evtchn_send_t send;
};

void choose_call(World &world, multicall_entry_t &call, Arguments &arguments) {
    const auto set = [&call](u64 number, u64 a0, u64 a1 = 0, u64 a2 = 0, u64 a3 = 0) {
        call.op = number;
        call.args[0] = a0;
        call.args[1] = a1;
        call.args[2] = a2;
        call.args[3] = a3;
    };
    switch (world.random.below(12)) {
        case 0:
        case 1:
        case 2:
            arguments.request = {world.any_slot(), world.any_entry()};
            return set(__HYPERVISOR_mmu_update, address_of(&arguments.request), 1, 0, world.random.one_in(8) ? world.any_domain() : u64{DOMID_SELF});
        case 3:
        case 4:
        case 5: return set(__HYPERVISOR_update_va_mapping, world.window.va(static_cast<unsigned>(world.random.below(16))), world.any_entry(), world.random.below(8));
        case 6:
        case 7:
            arguments.operation = {};
            arguments.operation.cmd = static_cast<u32>(world.random.below(5));  // pin level 1-4, unpin
            arguments.operation.arg1.mfn = raw(world.any_page().mfn());
            return set(__HYPERVISOR_mmuext_op, address_of(&arguments.operation), 1, 0, DOMID_SELF);
        case 8:
            arguments.copy = {};
            arguments.copy.source.u.gmfn = world.random.one_in(2) ? 16 + world.random.below(8) : raw(world.any_mfn());
            arguments.copy.dest.u.gmfn = raw(world.any_page().mfn());
            arguments.copy.source.domid = world.neighbour;
            arguments.copy.dest.domid = DOMID_SELF;
            arguments.copy.len = static_cast<u16>(world.random.below(4100));
            arguments.copy.flags = static_cast<u16>(world.random.below(2));
            return set(__HYPERVISOR_grant_table_op, GNTTABOP_copy, address_of(&arguments.copy), 1);
        case 9:
            arguments.send = {world.any_port()};
            return set(__HYPERVISOR_event_channel_op, EVTCHNOP_send, address_of(&arguments.send));
        case 10: return set(__HYPERVISOR_update_descriptor, world.random.one_in(4) ? world.any_slot() : world.any_page().slot(static_cast<unsigned>(world.random.below(512))), world.random.next());
        default: return set(world.random.one_in(2) ? u64{__HYPERVISOR_multicall} : 56 + (world.random.next() >> 8), world.random.next(), world.random.next());
    }
}

}  // namespace

void do_multicall(World &world) {
    constexpr u32 kMost = 40;
    static multicall_entry_t calls[kMost];
    static Arguments arguments[kMost];
    const u32 count = static_cast<u32>(1 + world.random.below(kMost));
    for (u32 i = 0; i < count; ++i) choose_call(world, calls[i], arguments[i]);
    world.counts.add(hv::multicall(calls, count));
    for (u32 i = 0; i < count; ++i) world.counts.add(static_cast<long>(calls[i].result));
}

void do_scribble(World &world) {
    // Whatever is mapped in the window: our own pages, which may become tables later, and those that others granted.
    volatile u64 *const place = reinterpret_cast<volatile u64 *>(world.window.va(static_cast<unsigned>(world.random.below(16)))) + world.random.below(kEntries);
    const u64 value = world.random.one_in(2) ? world.any_entry() : world.random.next();
    const bool reads = world.random.one_in(4);
    const Fault fault = catch_fault([=] {
        if (reads) static_cast<void>(*place);
        else *place = value;
    });
    ++world.counts.calls;
    world.counts.faults += fault.happened ? 1 : 0;
}

void do_ring_garbage(World &world) {
    // Requests to xenstored that are none, with indices that cannot be. Our console's ring stays whole: it tells how this ends.
    const start_info_t &info = start_info();
    if (is_initial_domain() || info.store_mfn == 0 || !world.random.one_in(40)) return;  // each wakes up dom0
    auto &ring = *static_cast<xenstore_domain_interface *>(address_of_mfn(Mfn{info.store_mfn}));
    const u64 start = world.random.below(sizeof ring.req), length = world.random.below(64);
    for (u64 i = 0; i < length; ++i) ring.req[(start + i) % sizeof ring.req] = static_cast<char>(world.random.one_in(2) ? world.random.below(24) : world.random.next());
    const u32 producer = ring.req_prod + static_cast<u32>(world.random.below(64));
    __atomic_store_n(&ring.req_prod, world.random.one_in(32) ? static_cast<u32>(world.random.next()) : producer, __ATOMIC_SEQ_CST);
    if (world.random.one_in(16)) __atomic_store_n(&ring.rsp_cons, static_cast<u32>(world.random.next()), __ATOMIC_SEQ_CST);
    if (world.random.one_in(64)) __atomic_store_n(&ring.req_cons, static_cast<u32>(world.random.next()), __ATOMIC_SEQ_CST);
    world.counts.add(send_event(EventPort{info.store_evtchn}));
}

void do_user_code(World &world) {
    // Random bytes, or a random segment, in user mode; a timer takes the processor back from a loop.
    if (!world.random.one_in(4)) return;  // it takes longer than all the rest
    u8 code[48];
    for (u8 &byte : code) byte = static_cast<u8>(world.random.next() >> 24);
    // QEMU 7.2 enters virtual-8086 mode when a 32-bit IRET in long mode pops RFLAGS.VM, which no processor does; real
    // Xen does not survive it, Hospes makes it a #GP. The option iret leaves the instruction in.
    static const bool with_iret = option_given("iret");
    for (u8 &byte : code) byte = byte == 0xcf && !with_iret ? u8{0x90} : byte;
    TrapFrame start = world.user.initial_frame();
    start.rflags |= 0x200;
    u64 *const registers = &start.r15;
    for (unsigned i = 0; i < 15; ++i) registers[i] = world.random.one_in(2) ? kUserData + world.random.below(4096) : world.random.next();
    if (world.random.one_in(8)) start.cs = world.random.next() & 0xffff;
    if (world.random.one_in(8)) start.ss = world.random.next() & 0xffff;
    if (world.random.one_in(8)) start.rip = world.random.next();
    if (world.random.one_in(4)) start.rsp = world.random.next();
    if (world.random.one_in(4)) start.rflags |= world.random.next() & 0x3fffff;
    start.cs |= 3;  // an iret to kernel mode would run our own code with these registers
    static_cast<void>(events_disable());  // a timer that fires before user mode is entered waits until it is
    static_cast<void>(hv::set_timer_op(system_time_ns() + 300000));
    const Fault fault = world.user.run(code, sizeof code, start);
    static_cast<void>(hv::set_timer_op(0));
    ++world.counts.calls;
    world.counts.faults += fault.happened ? 1 : 0;
}

void do_instructions(World &world) {
    const u32 msr = static_cast<u32>(world.random.one_in(2) ? 0xc0000080 + world.random.below(32) : world.random.below(0x1000));
    const u64 form = world.random.below(8);
    const u32 low = static_cast<u32>(world.random.next()), high = static_cast<u32>(world.random.next());
    const Fault fault = catch_fault([=] {
        switch (form) {
            case 0: asm volatile("rdmsr" : : "c"(msr) : "eax", "edx"); break;
            case 1: asm volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high)); break;
            case 2: asm volatile("mov %%cr4, %%rax" : : : "rax"); break;
            case 3: asm volatile("mov %0, %%cr4" : : "r"(static_cast<u64>(low) << 12 | high)); break;
            case 4: asm volatile("mov %0, %%cr0" : : "r"(static_cast<u64>(low))); break;
            case 5: asm volatile("mov %0, %%cr3" : : "r"(static_cast<u64>(low) << 12 | high) : "memory"); break;
            case 6: asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2" : : "a"(low), "c"(high & 15) : "ebx", "edx"); break;
            default: asm volatile("int $0x55");
        }
    });
    static_cast<void>(hypercall(__HYPERVISOR_fpu_taskswitch, 0));
    ++world.counts.calls;
    world.counts.faults += fault.happened ? 1 : 0;
}

}  // namespace hospes::guest
