// SPDX-License-Identifier: Apache-2.0
#include "small_domain.hpp"

#include "domctl.hpp"
#include "event.hpp"
#include "text.hpp"

namespace hospes::guest {
namespace {

// Its address space: from kBase on code, data and shared_info.
constexpr u64 kBase = 0x400000;
constexpr u64 kCode = kBase, kData = kBase + kPageSize, kShared = kBase + 2 * kPageSize;
enum Frame : unsigned { level4, level3, level2, level1, code };

}  // namespace

ForeignPage::ForeignPage(u16 domain, Mfn mfn)
    : usable_(window_.usable() &&
              hv::mmu_update_one(window_.l1.slot(0), entry(mfn, kWritablePage), MMU_NORMAL_PT_UPDATE, domain) == 0) {}

SmallDomain::SmallDomain(SmallCode code, u32 vcpus) : code_(code) { usable_ = create(vcpus) && build(); }

SmallDomain::~SmallDomain() {
    constexpr long kERESTART = -85;  // Xen: there is more to tear down
    if (id_ == 0) return;
    while (control(XEN_DOMCTL_destroydomain, id_) == kERESTART) continue;
}

bool SmallDomain::create(u32 vcpus) {
    xen_domctl_t request = control_request(XEN_DOMCTL_createdomain, 0xffff);
    request.u.createdomain.max_vcpus = vcpus;
    request.u.createdomain.max_evtchn_port = 1023;
    request.u.createdomain.max_grant_frames = request.u.createdomain.max_maptrack_frames = 1;
    request.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    if (control(request) != 0) return false;
    id_ = request.domain;

    xen_domctl_t memory = control_request(XEN_DOMCTL_max_mem, id_);
    memory.u.max_mem.max_memkb = 64;
    xen_domctl_t most = control_request(XEN_DOMCTL_max_vcpus, id_);
    most.u.max_vcpus.max = vcpus;
    if (control(memory) != 0 || control(most) != 0) return false;

    u64 numbers[kFrames];
    for (unsigned i = 0; i < kFrames; ++i) numbers[i] = i;
    xen_memory_reservation_t reservation{};
    reservation.extent_start.p = numbers;
    reservation.nr_extents = kFrames;
    reservation.domid = id_;
    if (hv::memory_op(XENMEM_populate_physmap, &reservation) != kFrames) return false;
    for (unsigned i = 0; i < kFrames; ++i) frames_[i] = Mfn{numbers[i]};

    xen_domctl_t info = control_request(XEN_DOMCTL_getdomaininfo, id_);
    if (control(info) != 0) return false;
    shared_info_ = Mfn{info.u.getdomaininfo.shared_info_frame};
    return true;
}

bool SmallDomain::build() const {
    for (unsigned level = level4; level <= level2; ++level) {
        const ForeignPage table{id_, frames_[level]};
        if (!table.usable()) return false;
        memset(table.data(), 0, kPageSize);
        table[table_index(kBase, 4 - level)] = entry(frames_[level + 1], kTableEntry);
    }
    const ForeignPage table{id_, frames_[level1]};
    if (!table.usable()) return false;
    memset(table.data(), 0, kPageSize);
    table[table_index(kCode, 1)] = entry(frames_[code], kReadOnlyPage);
    table[table_index(kData, 1)] = entry(frames_[kDataFrame], kWritablePage);
    table[table_index(kShared, 1)] = entry(shared_info_, kWritablePage);

    const ForeignPage cleared = data();
    if (!cleared.usable()) return false;
    memset(cleared.data(), 0, kPageSize);
    const ForeignPage text{id_, frames_[code]};
    if (!text.usable()) return false;
    memcpy(text.data(), code_.begin, static_cast<size_t>(code_.end - code_.begin));
    const ForeignPage shared{id_, shared_info_};
    if (!shared.usable()) return false;
    memset(shared.data(), 0, kPageSize);
    for (vcpu_info_t &info : static_cast<shared_info_t *>(shared.data())->vcpu_info) info.evtchn_upcall_mask = 1;
    return true;
}

long SmallDomain::load(void (*start)(), u32 vcpu) const {
    static vcpu_guest_context_t context;
    memset(&context, 0, sizeof context);
    context.flags = VGCF_IN_KERNEL | VGCF_online;
    context.user_regs.rip = kCode + (address_of(start) - address_of(code_.begin));
    context.user_regs.cs = kFlatCs64;
    context.user_regs.ss = kFlatSs;
    context.user_regs.rsp = context.kernel_sp = kShared;
    context.kernel_ss = kFlatSs;
    context.user_regs.rflags = 0x200;
    context.user_regs.rbx = kData;
    context.user_regs.rbp = kShared + __builtin_offsetof(shared_info_t, evtchn_pending);
    context.event_callback_eip = kCode;
    context.ctrlreg[3] = maddr(frames_[level4]);
    xen_domctl_t request = control_request(XEN_DOMCTL_setvcpucontext, id_);
    request.u.vcpucontext.vcpu = vcpu;
    request.u.vcpucontext.ctxt.p = &context;
    return control(request);
}

long SmallDomain::pause() const { return control(XEN_DOMCTL_pausedomain, id_); }
long SmallDomain::unpause() const { return control(XEN_DOMCTL_unpausedomain, id_); }

long connect(const SmallDomain &domain, EventPort &local, EventPort &remote) {
    evtchn_alloc_unbound_t request{domain.id(), DOMID_SELF, 0};  // alloc_unbound() would take its port for one of ours
    if (const long failed = hv::event_channel_op(EVTCHNOP_alloc_unbound, &request); failed != 0) return failed;
    remote = EventPort{request.port};
    const long result = bind_interdomain(domain.id(), remote, local);
    if (result == 0) clear_pending(local);  // a bind raises the binder's end: no event of the domain's
    return result;
}

}  // namespace hospes::guest
