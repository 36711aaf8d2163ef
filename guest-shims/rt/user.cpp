// SPDX-License-Identifier: Apache-2.0
#include "user.hpp"

#include "console.hpp"
#include "hypercall.hpp"
#include "machine.hpp"
#include "text.hpp"

extern "C" [[noreturn]] void enter_frame(hospes::guest::TrapFrame *frame);

namespace hospes::guest {
namespace {

alignas(kPageSize) char trap_stack[4 * kPageSize];

bool install(Mfn user_root) {
    return hv::mmuext_mfn(MMUEXT_PIN_L4_TABLE, user_root) == 0 && hv::mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, user_root) == 0 &&
           hv::stack_switch(kFlatSs, user_trap_stack()) == 0;
}

}  // namespace

u64 user_trap_stack() { return address_of(trap_stack) + sizeof trap_stack; }

UserSpace::UserSpace() {
    l4_[0] = entry(l3_.mfn(), kTableEntry);
    l3_[0] = entry(l2_.mfn(), kTableEntry);
    l2_[table_index(kUserCode, 2)] = entry(l1_.mfn(), kTableEntry);
    l1_[table_index(kUserCode, 1)] = entry(code_.mfn(), kUserPage);
    l1_[table_index(kUserStack, 1)] = entry(stack_.mfn(), kUserPage);
    l1_[table_index(kUserData, 1)] = entry(data_.mfn(), kUserPage);
    usable_ = l1_.make_read_only() == 0 && l2_.make_read_only() == 0 && l3_.make_read_only() == 0 && l4_.make_read_only() == 0 &&
              install(root());
    if (!usable_) printk("rt: the user address space could not be set up\n");
}

UserSpace::~UserSpace() {
    if (!usable_) return;
    if (hv::mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, Mfn{0}) != 0) printk("rt: the user root could not be taken back\n");
    if (hv::mmuext_mfn(MMUEXT_UNPIN_TABLE, root()) != 0) printk("rt: the user root could not be unpinned\n");
}

long UserSpace::map(u64 va, u64 value) const {
    const long result = hv::mmu_update_one(l1_.slot(table_index(va, 1)), value);
    return result != 0 ? result : hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, va);
}

TrapFrame UserSpace::initial_frame() const {
    TrapFrame frame{};
    frame.rip = kUserCode;
    frame.rsp = kUserStack + kPageSize;
    frame.cs = kFlatCs64;
    frame.ss = kFlatSs;
    frame.rflags = vcpu_info().evtchn_upcall_mask != 0 ? 0x2 : 0x202;
    return frame;
}

Fault UserSpace::run(const void *code, size_t size, const TrapFrame &frame) const {
    memcpy(code_.data(), code, size < kPageSize ? size : kPageSize);
    return catch_fault([&frame] {
        TrapFrame live = frame;
        enter_frame(&live);
    });
}

}  // namespace hospes::guest
