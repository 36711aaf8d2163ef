// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/hypercall/domain_info.hpp"

#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/clock.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace hospes {
namespace {

u32 flags_of(Domain const& domain, bool any_running, bool all_blocked) {
    u32 flags = 0;
    if (domain.life != LifeState::alive) flags |= XEN_DOMINF_dying;
    if (domain.is_shut_down) {
        flags |= XEN_DOMINF_shutdown;
        flags |= static_cast<u32>(domain.shutdown_reason) << XEN_DOMINF_shutdownshift;
    }
    if (domain.is_paused_by_control) flags |= XEN_DOMINF_paused;
    if (any_running) flags |= XEN_DOMINF_running;
    if (all_blocked) flags |= XEN_DOMINF_blocked;
    return flags;
}

}  // namespace

xen_domctl_getdomaininfo describe_domain(Domain const& domain) {
    xen_domctl_getdomaininfo info{};
    Nanoseconds const now = system_time();
    bool any_running = false;
    bool all_blocked = true;
    info.max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for (u32 i = 0; i < domain.max_vcpus; ++i) {
        Vcpu const* const vcpu = domain.vcpus[i];
        if (vcpu == nullptr) continue;
        info.max_vcpu_id = i;
        info.cpu_time += domain.system().scheduler.times_of(*vcpu, now).in(RunState::running).raw();
        if (!vcpu->is_up) continue;
        ++info.nr_online_vcpus;
        any_running = any_running || Scheduler::is_running(*vcpu);
        all_blocked = all_blocked && vcpu->sched.is_blocked;
    }
    info.domain = domain.id().raw();
    info.flags = flags_of(domain, any_running, all_blocked && info.nr_online_vcpus > 0);
    info.tot_pages = domain.total_pages.load();
    info.max_pages = domain.max_pages;
    info.shared_info_frame = domain.shared_info_frame.raw();
    std::memcpy(info.handle, domain.handle, sizeof info.handle);
    info.gpaddr_bits = 52;
    return info;
}

void write_hypercall_page(u8* page) {
    // push %rcx; push %r11; mov $number, %eax; syscall; pop %r11; pop %rcx; ret
    constexpr std::array<u8, 15> kStub{0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3, 0xcc};
    // push %rcx; push %r11; push %rax; mov $23, %eax; syscall: iret does not come back
    constexpr std::array<u8, 11> kIret{0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0, 0x0f, 0x05};
    constexpr usize kStubSize = 32;
    std::memset(page, 0xcc, kPageSize);
    for (usize number = 0; number < kPageSize / kStubSize; ++number) {
        u8* const stub = page + number * kStubSize;
        if (number == __HYPERVISOR_iret) {
            std::copy(kIret.begin(), kIret.end(), stub);
            continue;
        }
        std::copy(kStub.begin(), kStub.end(), stub);
        stub[4] = static_cast<u8>(number);
    }
}

}  // namespace hospes
