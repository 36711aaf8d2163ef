// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/vcpu_info.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {

namespace {

// A vcpu that had no area starts with its upcalls masked, as if fresh in shared_info.
vcpu_info_t content_of(Vcpu const& vcpu) {
    vcpu_info_t copy{};
    if (vcpu.info != nullptr) __builtin_memcpy(&copy, vcpu.info, sizeof copy);
    if (vcpu.info == nullptr) copy.evtchn_upcall_mask = 1;
    return copy;
}

}  // namespace

Status register_vcpu_info(Vcpu& vcpu, Mfn frame, u64 offset) {
    if (vcpu.info_frame.is_valid()) return Errno::invalid;
    if (offset % alignof(vcpu_info_t) != 0 || offset > kPageSize - sizeof(vcpu_info_t)) return Errno::invalid;
    Domain& domain = vcpu.domain();
    Status const held = domain.system().page_types.get_page_and_type(frame, domain.id(), PageType::writable);
    if (!held.ok()) return held.error() == Errno::restart ? Errno::restart : Errno::invalid;

    auto* const info = reinterpret_cast<vcpu_info_t*>(frame_pointer<u8>(frame) + offset);
    vcpu_info_t const content = content_of(vcpu);
    __builtin_memcpy(info, &content, sizeof content);
    vcpu.info_frame = frame;
    __atomic_store_n(&vcpu.info, info, __ATOMIC_SEQ_CST);

    // An event may have gone to the old area after the copy was made.
    SharedWord<u64>{info->evtchn_pending_sel}.store(~u64{0});
    SharedWord<u8>{info->evtchn_upcall_pending}.exchange(1);
    return {};
}

// A sender on another pcpu may have the address of the area still and be about to set a bit there. The frame gets to nobody else before
// that pcpu has flushed its TLB (T5, page_types.hpp), which it does not do in between.
void release_vcpu_info(Vcpu& vcpu) {
    __atomic_store_n(&vcpu.info, nullptr, __ATOMIC_SEQ_CST);
    if (!vcpu.info_frame.is_valid()) return;
    vcpu.domain().system().page_types.put_page_and_type(vcpu.info_frame);
    vcpu.info_frame = Mfn{};
}

}  // namespace hospes
