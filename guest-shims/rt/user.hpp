// SPDX-License-Identifier: Apache-2.0
// Guest user mode: a root of its own with a page of code, one of stack and one of data, and a way to run code there.
#pragma once
#include "page.hpp"
#include "trap.hpp"

namespace hospes::guest {

constexpr u64 kUserCode = 0x400000, kUserStack = 0x401000, kUserData = 0x402000;
constexpr u64 kUserPage = kWritablePage | kUser;

/// A user address space. While it lives it is the vcpu's user root; after it there is none.
class UserSpace {
public:
    UserSpace();
    ~UserSpace();
    UserSpace(const UserSpace &) = delete;
    UserSpace &operator=(const UserSpace &) = delete;

    bool usable() const { return usable_; }
    Mfn root() const { return l4_.mfn(); }
    /// The data page as the kernel sees it.
    const Page &data() const { return data_; }
    const Page &stack() const { return stack_; }
    /// Replaces the level-1 entry of a user address; the hypervisor's result.
    long map(u64 va, u64 value) const;

    /// The state in which run() starts: RIP at the code page, RSP at the end of the stack page, flat user selectors,
    /// RFLAGS.IF as the upcall mask is now.
    TrapFrame initial_frame() const;

    /// Copies `size` bytes of machine code to the code page and runs them in user mode from `frame`. Comes back at the
    /// first exception or SYSCALL (vector kVectorSyscall) that no trap hook dealt with.
    Fault run(const void *code, size_t size, const TrapFrame &frame) const;
    template <size_t Size> Fault run(const u8 (&code)[Size]) const { return run(code, Size, initial_frame()); }

private:
    Page l4_, l3_, l2_, l1_, code_, stack_, data_;
    bool usable_;
};

/// The stack on which traps from user mode arrive (registered by stack_switch): its end.
u64 user_trap_stack();

}  // namespace hospes::guest
