// SPDX-License-Identifier: Apache-2.0
// One virtual processor of a PV domain: its registers, the state the PV ABI gives it, and its place in the scheduler.
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "hypervisor/base/strong.hpp"
#include "hypervisor/core/sched/sched_unit.hpp"
#include "hypervisor/x86/guest_regs.hpp"

#include <array>
#include <atomic>

namespace hospes {

class Domain;

inline constexpr unsigned kMaxTrapVectors = 256;
inline constexpr unsigned kGuestGdtFrames = 14;  // pages 0..13 of the GDT are the guest's, 14 and 15 the core's
inline constexpr unsigned kMaxLdtFrames = 16;
inline constexpr unsigned kPerVcpuVirqs = 24;

struct TrapHandler {
    u64 address = 0;  // 0: not registered
    u16 cs = 0;
    u8 dpl = 0;  // least privileged mode that may raise it by INT n
    bool masks_events = false;
};

struct Callback {
    u64 address = 0;
    bool masks_events = false;
};

// What the PV ABI keeps per vcpu besides the general registers (vcpu_guest_context in xen/arch-x86/xen.h).
struct PvState {
    bool in_kernel = true;  // guest kernel and guest user both run at CPL 3; this tells which
    u8 iopl = 0;            // virtual IOPL, by PHYSDEVOP_set_iopl
    bool ts = false;        // CR0.TS as the guest set it by fpu_taskswitch
    u32 returns_interrupted = 0;  // iret hypercalls in a row that another upcall followed before the guest had got anywhere
    u64 cr4 = 0;            // the guest's view
    Mfn kernel_root;        // both hold a reference and an L4 type reference while valid
    Mfn user_root;
    u64 kernel_ss = 0;
    u64 kernel_sp = 0;
    std::array<TrapHandler, kMaxTrapVectors> traps{};
    Callback event_callback, failsafe_callback, syscall_callback;

    u64 fs_base = 0, gs_base_kernel = 0, gs_base_user = 0;  // valid while the vcpu is off its pcpu
    u16 ds = 0, es = 0, fs = 0, gs = 0;
    std::array<u64, 8> debug_registers{0, 0, 0, 0, 0, 0, 0xffff'0ff0, 0x400};
    u64 xcr0 = 1;
    u64 tsc_aux = 0;

    std::array<Mfn, kGuestGdtFrames> gdt_frames{};  // each holds a segdesc type reference
    u32 gdt_entries = 0;
    std::array<Mfn, kMaxLdtFrames> ldt_frames{};  // likewise
    u64 ldt_base = 0;
    u32 ldt_entries = 0;

    void* fpu_area = nullptr;  // XSAVE area, one page, 64-byte aligned; owned by the vcpu
};

// Deadlines of one vcpu; core/time/timers.cpp keeps them.
struct VcpuTimers {
    Nanoseconds singleshot = Nanoseconds::never();
    Nanoseconds periodic_period{};  // 0: off
    Nanoseconds periodic_next = Nanoseconds::never();
    Nanoseconds poll_limit = Nanoseconds::never();  // SCHEDOP_poll waits no longer than this
    Nanoseconds next_due = Nanoseconds::never();    // the earliest of them: its place in the queue
    Vcpu* next = nullptr;
    std::atomic<u32> home{0};  // the pcpu whose queue holds it; changes under both queues' locks
};

class Vcpu {
public:
    Vcpu(Domain& domain, VcpuId id) : domain_{domain}, id_{id} {}
    Vcpu(Vcpu const&) = delete;
    Vcpu& operator=(Vcpu const&) = delete;

    Domain& domain() { return domain_; }
    Domain const& domain() const { return domain_; }
    VcpuId id() const { return id_; }

    // The page-table root to run on: what CR3 must hold for the mode the vcpu is in.
    Mfn current_root() const { return pv.in_kernel ? pv.kernel_root : pv.user_root; }

    // The entry code pushes the guest's registers here: RSP0 points to the end, which must be 16-byte aligned. It then takes the
    // stack of the pcpu the vcpu runs on from the word below them.
    alignas(16) u64 core_stack_top = 0;
    GuestRegs regs{};

    PvState pv;
    SchedUnit sched;

    std::atomic<bool> is_initialised{false};  // has a context (VCPUOP_initialise, setvcpucontext)
    std::atomic<bool> is_up{false};           // VCPUOP_up; a vcpu that is down never runs

    // Event delivery. `info` lies in a frame shared with the guest: only atomic accesses (core/event/vcpu_events.hpp).
    vcpu_info_t* info = nullptr;
    Mfn info_frame;  // valid when registered by VCPUOP_register_vcpu_info; holds a writable reference
    std::array<EventPort, kPerVcpuVirqs> virq_ports{};  // port 0: not bound
    std::atomic<EventPort> polled_port{};               // SCHEDOP_poll of one port; 0: none, ~0: several
    std::atomic<bool> is_polling{false};

    VcpuTimers timers;

    GuestAddress runstate_area{};  // 0: none. Written when the vcpu's own address space is loaded
    GuestAddress time_area{};

    Mfn own_frame;  // the heap pages this object lives in

private:
    Domain& domain_;
    VcpuId id_;
};

}  // namespace hospes
