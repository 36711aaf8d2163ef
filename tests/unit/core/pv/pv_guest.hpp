// SPDX-License-Identifier: Apache-2.0
// A PV domain with one vcpu in its kernel, a stack and a page of code.
#pragma once

#include "hypervisor/core/event/vcpu_events.hpp"
#include "hypervisor/x86/exceptions.hpp"
#include "tests/support/hypervisor/fake_guest_cpu.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace hospes::test {

struct PvGuest : World {
    explicit PvGuest(u16 id = 1) : domain{id == 0 ? dom0() : add_domain(id)}, vcpu{*domain.vcpus[0]} {
        guest_cpu() = FakeGuestCpu{};
        code = guest_memory().allocate(kPageSize).raw();
        stack = guest_memory().allocate(kPageSize).raw() + kPageSize;
        kernel_stack = guest_memory().allocate(kPageSize).raw() + kPageSize;
        vcpu.regs.rip = code;
        vcpu.regs.rsp = stack - 256;
        vcpu.regs.cs = kGuestCs64;
        vcpu.regs.ss = kGuestSs;
        vcpu.regs.rflags = kRflagsIf | kRflagsFixed;
        vcpu.pv.in_kernel = true;
        vcpu.pv.kernel_sp = kernel_stack;
        for (unsigned vector = 0; vector < kMaxTrapVectors; ++vector)
            vcpu.pv.traps[vector] = {.address = handler(vector), .cs = kGuestCs64, .dpl = 0, .masks_events = true};
    }

    static u64 handler(unsigned vector) { return 0xffff'ffff'8100'0000 + vector * 16; }

    void place_code(std::initializer_list<unsigned> bytes) {
        u8* at = guest_memory().find(GuestAddress{code}, bytes.size());
        for (unsigned const byte : bytes) *at++ = static_cast<u8>(byte);
    }
    u64 word(u64 address) {
        u64 value = 0;
        std::memcpy(&value, guest_memory().find(GuestAddress{address}, 8), 8);
        return value;
    }
    // The n-th word of the frame on top of the guest's stack.
    u64 frame(unsigned n) { return word(vcpu.regs.rsp + n * 8); }
    bool is_at_handler(unsigned vector) const { return vcpu.regs.rip == handler(vector); }

    Domain& domain;
    Vcpu& vcpu;
    u64 code = 0;
    u64 stack = 0;
    u64 kernel_stack = 0;
};

}  // namespace hospes::test
