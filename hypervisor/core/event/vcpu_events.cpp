// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/vcpu_events.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/core/system.hpp"
#include "hypervisor/ports/ipi.hpp"

namespace hospes {

namespace {

// The area may be replaced by register_vcpu_info while another pcpu looks.
vcpu_info_t* info_of(Vcpu const& vcpu) { return __atomic_load_n(&vcpu.info, __ATOMIC_ACQUIRE); }

}  // namespace

bool has_deliverable_event(Vcpu const& vcpu) {
    vcpu_info_t* const info = info_of(vcpu);
    if (info == nullptr) return false;
    return SharedWord<u8>{info->evtchn_upcall_pending}.load() != 0 && SharedWord<u8>{info->evtchn_upcall_mask}.load() == 0;
}

bool are_events_masked(Vcpu const& vcpu) {
    vcpu_info_t* const info = info_of(vcpu);
    if (info == nullptr) [[unlikely]] return true;
    return SharedWord<u8>{info->evtchn_upcall_mask}.load() != 0;
}

bool mask_events(Vcpu& vcpu) {
    vcpu_info_t* const info = info_of(vcpu);
    if (info == nullptr) [[unlikely]] return true;
    return SharedWord<u8>{info->evtchn_upcall_mask}.exchange(1) != 0;
}

bool unmask_events(Vcpu& vcpu) {
    vcpu_info_t* const info = info_of(vcpu);
    if (info == nullptr) [[unlikely]] return false;
    SharedWord<u8>{info->evtchn_upcall_mask}.exchange(0);
    return SharedWord<u8>{info->evtchn_upcall_pending}.load() != 0;
}

bool test_and_set_vcpu_selector(Vcpu& vcpu, unsigned word) {
    vcpu_info_t* const info = info_of(vcpu);
    return info == nullptr || SharedWord<u64>{info->evtchn_pending_sel}.test_and_set_bit(word);
}

bool test_and_set_upcall_pending(Vcpu& vcpu) {
    vcpu_info_t* const info = info_of(vcpu);
    return info == nullptr || SharedWord<u8>{info->evtchn_upcall_pending}.exchange(1) != 0;
}

void notice_upcall(Vcpu& vcpu) {
    end_poll(vcpu);
    if (vcpu.sched.is_blocked.load()) vcpu.domain().system().scheduler.wake(vcpu);
    PcpuId const pcpu = vcpu.sched.pcpu.load();
    if (pcpu == this_pcpu_id() || !Scheduler::is_running(vcpu)) return;  // whoever makes it run looks at its events afterwards
    kick_pcpu(pcpu);
}

void raise_upcall(Vcpu& vcpu) {
    if (!test_and_set_upcall_pending(vcpu)) notice_upcall(vcpu);
}

}  // namespace hospes
