// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/time/guest_time.hpp"

#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

constinit WallClock clock_at_start{};

// A guest reads while the version is even and unchanged (xen/xen.h, vcpu_time_info).
class VersionedWrite {
public:
    explicit VersionedWrite(u32& version) : version_{version} {
        value_ = (__atomic_load_n(&version_, __ATOMIC_RELAXED) | 1u) + 2;
        __atomic_store_n(&version_, value_, __ATOMIC_RELEASE);
        std::atomic_thread_fence(std::memory_order_release);
    }
    VersionedWrite(VersionedWrite const&) = delete;
    VersionedWrite& operator=(VersionedWrite const&) = delete;
    ~VersionedWrite() { __atomic_store_n(&version_, value_ + 1, __ATOMIC_RELEASE); }

private:
    u32& version_;
    u32 value_;
};

}  // namespace

void write_time_info(Vcpu& vcpu) {
    if (vcpu.info == nullptr) return;
    TscScale const scale = tsc_scale();
    vcpu_time_info_t& info = vcpu.info->time;
    VersionedWrite const write{info.version};
    info.tsc_timestamp = scale.tsc_timestamp;
    info.system_time = scale.system_time.raw();
    info.tsc_to_system_mul = scale.mul;
    info.tsc_shift = scale.shift;
}

void set_wall_clock(WallClock clock) { clock_at_start = clock; }
WallClock wall_clock() { return clock_at_start; }

void write_wall_clock(Domain& domain) {
    if (domain.shared_info == nullptr) return;
    VersionedWrite const write{domain.shared_info->wc_version};
    domain.shared_info->wc_sec = static_cast<u32>(clock_at_start.seconds);
    domain.shared_info->wc_nsec = clock_at_start.nanoseconds;
    domain.shared_info->wc_sec_hi = static_cast<u32>(clock_at_start.seconds >> 32);
}

void write_wall_clock_everywhere(System& system) {
    for (Domain* domain = system.domains.first_from(DomId{0}); domain != nullptr;
         domain = system.domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)})) {
        write_wall_clock(*domain);
    }
}

vcpu_runstate_info_t runstate_of(Vcpu const& vcpu, Nanoseconds now) {
    vcpu_runstate_info_t info{};
    RunTimes const times = vcpu.domain().system().scheduler.times_of(vcpu, now);
    info.state = static_cast<int>(times.state);
    info.state_entry_time = times.state_entry.raw();
    for (unsigned i = 0; i < 4; ++i) info.time[i] = times.time[i].raw();
    return info;
}

Status write_runstate_area(Vcpu& vcpu) {
    if (vcpu.runstate_area.raw() == 0) return {};
    vcpu_runstate_info_t info = runstate_of(vcpu, system_time());
    // The vcpu does not run while this is written, so the "update in progress" mark would never be seen; it is left out.
    return copy_to_guest(vcpu.runstate_area, &info, sizeof info);
}

}  // namespace hospes
