// SPDX-License-Identifier: Apache-2.0
#define __XEN_TOOLS__ 1
#include "partner.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <xen/domctl.h>
#pragma GCC diagnostic pop

extern "C" const unsigned char partner_code[], partner_block[], partner_code_end[];

/// At the start of a page mapped at kVirtBase; data page 0x1000 and shared_info 0x2000 behind it. It is entered at
/// partner_block; the event callback is its first instruction.
asm(R"(
    .section .rodata
    .balign 16
    .globl partner_code, partner_block, partner_code_end
partner_code:
    mov $0xffffffff80002000, %rsp
    mov $0xffffffff80002000, %rbx
    movb $0, (%rbx)
    movq $0, 8(%rbx)
    movq $0, 2048(%rbx)
    mov $32, %eax
    mov $4, %edi
    lea -4096(%rbx), %rsi
    syscall
partner_block:
    mov $0xffffffff80001000, %rbx
    cmpq $0, 8(%rbx)
    jne 2f
    mov $29, %eax
    mov $1, %edi
    xor %esi, %esi
    syscall
    jmp partner_block
2:  incq 16(%rbx)
    mov $29, %eax
    xor %edi, %edi
    syscall
    jmp 2b
partner_code_end:
    .text
)");

namespace hospes::guest {
namespace {

static_assert(offsetof(shared_info_t, evtchn_pending) == 2048 && EVTCHNOP_send == 4 && SCHEDOP_block == 1);
static_assert(offsetof(PartnerData, yields_on) == 8 && offsetof(PartnerData, yields) == 16);

enum : unsigned { kL4, kL3, kL2, kL1, kCode };
constexpr u64 kStackTop = kVirtBase + 2 * kPageSize;

long domctl(xen_domctl_t &request, u32 command, u16 domain) {
    request.cmd = command;
    request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    request.domain = domain;
    return hypercall(__HYPERVISOR_domctl, address_of(&request));
}

long domctl(u32 command, u16 domain) {
    xen_domctl_t request{};
    return domctl(request, command, domain);
}

}  // namespace

bool Partner::create() {
    constexpr u16 kNumber = 7;
    xen_domctl_t request{};
    request.u.createdomain.max_vcpus = 1;
    request.u.createdomain.max_evtchn_port = 1023;
    request.u.createdomain.max_grant_frames = 1;
    request.u.createdomain.max_maptrack_frames = 1;
    request.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    if (domctl(request, XEN_DOMCTL_createdomain, kNumber) != 0) return false;
    domain_ = kNumber;
    request = {};
    request.u.max_mem.max_memkb = 64;
    if (domctl(request, XEN_DOMCTL_max_mem, domain_) != 0) return false;
    request = {};
    request.u.max_vcpus.max = 1;
    if (domctl(request, XEN_DOMCTL_max_vcpus, domain_) != 0) return false;
    request = {};
    if (domctl(request, XEN_DOMCTL_getdomaininfo, domain_) != 0) return false;
    shared_info_ = request.u.getdomaininfo.shared_info_frame;
    return true;
}

bool Partner::populate() {
    for (unsigned i = 0; i < kPages; ++i) frames_[i] = i;
    xen_memory_reservation_t memory{};
    memory.extent_start.p = frames_;
    memory.nr_extents = kPages;
    memory.domid = domain_;
    if (hv::memory_op(XENMEM_populate_physmap, &memory) != kPages) return false;
    for (unsigned i = 0; i < kPages; ++i) {
        const u64 value = entry(Mfn{frames_[i]}, kWritablePage);
        if (hypercall(__HYPERVISOR_update_va_mapping_otherdomain, window_.va(i), value, UVMF_INVLPG, domain_) != 0) return false;
        memset(reinterpret_cast<void *>(window_.va(i)), 0, kPageSize);
    }
    return true;
}

/// Tables and code; then all but the data page leave our address space, for a table may be writable nowhere.
bool Partner::fill() {
    const auto table = [this](unsigned page) { return reinterpret_cast<u64 *>(window_.va(page)); };
    table(kL4)[table_index(kVirtBase, 4)] = entry(Mfn{frames_[kL3]}, kTableEntry);
    table(kL3)[table_index(kVirtBase, 3)] = entry(Mfn{frames_[kL2]}, kTableEntry);
    table(kL2)[table_index(kVirtBase, 2)] = entry(Mfn{frames_[kL1]}, kTableEntry);
    table(kL1)[0] = entry(Mfn{frames_[kCode]}, kReadOnlyPage);
    table(kL1)[1] = entry(Mfn{frames_[kDataPage]}, kWritablePage);
    table(kL1)[2] = entry(Mfn{shared_info_}, kWritablePage);
    memcpy(table(kCode), partner_code, static_cast<size_t>(partner_code_end - partner_code));
    for (unsigned i = 0; i < kDataPage; ++i) {
        if (window_.map(i, 0) != 0) return false;
    }
    mmuext_op_t pin{};
    pin.cmd = MMUEXT_PIN_L4_TABLE;
    pin.arg1.mfn = frames_[kL4];
    return hv::mmuext_op(&pin, 1, nullptr, domain_) == 0;
}

bool Partner::start() {
    static_assert(sizeof(vcpu_guest_context_t) <= 2 * kPageSize);
    static vcpu_guest_context_t context;
    context = {};
    context.flags = VGCF_in_kernel | VGCF_online;
    context.user_regs.rip = kVirtBase + static_cast<u64>(partner_block - partner_code);
    context.user_regs.rsp = context.kernel_sp = kStackTop;
    context.user_regs.cs = kFlatCs64;
    context.user_regs.ss = kFlatSs;
    context.kernel_ss = kFlatSs;
    context.user_regs.rflags = 0x200;
    context.ctrlreg[3] = maddr(Mfn{frames_[kL4]});
    context.event_callback_eip = kVirtBase;
    xen_domctl_t request{};
    request.u.vcpucontext.vcpu = 0;
    request.u.vcpucontext.ctxt.p = &context;
    return domctl(request, XEN_DOMCTL_setvcpucontext, domain_) == 0 && domctl(XEN_DOMCTL_unpausedomain, domain_) == 0;
}

bool Partner::build() {
    EventPort remote{};
    if (!create() || !populate() || alloc_unbound(domain_, DOMID_SELF, remote) != 0) return false;
    if (bind_interdomain(domain_, remote, port_) != 0) return false;
    data().answer.port = raw(remote);
    return fill() && start();
}

Partner::Partner() {
    if (!is_initial_domain() || !window_.usable()) return;
    usable_ = build();
    if (!usable_) printk("bench: no second domain\n");
}

Partner::~Partner() {
    if (domain_ == 0) return;
    static_cast<void>(close_port(port_));
    static_cast<void>(window_.map(kDataPage, 0));
    while (domctl(XEN_DOMCTL_destroydomain, domain_) == -85) continue;  // ERESTART: more to be torn down
}

}  // namespace hospes::guest
