// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/sched/scheduler.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Maps {
    u32 flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    u32 vcpu = 0;
    u32 bits = 8;
    u64 hard_address = 0;  // 0: the stage's own
    u64 soft_address = 0;
};

// Four pcpus, the last one offline.
struct Scheduling : Stage {
    Scheduling() {
        machine().online = {true, true, true, false};
        for (u32 pcpu : {1u, 2u}) scheduler.add_pcpu(PcpuId{pcpu});
    }
    i64 adjust(u32 cmd, u16 weight, u16 cap, u32 scheduler_id = XEN_SCHEDULER_CREDIT2, u16 domain = 1) {
        return domctl(XEN_DOMCTL_scheduler_op, domain, [&](auto& u) {
            u.scheduler_op.sched_id = scheduler_id;
            u.scheduler_op.cmd = cmd;
            u.scheduler_op.u.credit2 = {weight, cap};
        });
    }
    xen_domctl_sched_credit2 adjusted() { return last<xen_domctl>()->u.scheduler_op.u.credit2; }

    i64 affinity(u32 command, Maps const& maps) {
        return domctl(command, 1, [&](auto& u) {
            auto const handle = [](u64 address) { return reinterpret_cast<u8*>(address); };
            u.vcpuaffinity.vcpu = maps.vcpu;
            u.vcpuaffinity.flags = maps.flags;
            u.vcpuaffinity.cpumap_hard = {{handle(maps.hard_address != 0 ? maps.hard_address : hard.address())}, maps.bits};
            u.vcpuaffinity.cpumap_soft = {{handle(maps.soft_address != 0 ? maps.soft_address : soft.address())}, maps.bits};
        });
    }
    i64 pin(u64 hard_mask, u64 soft_mask, Maps const& maps = {}) {
        hard[0] = hard_mask;
        soft[0] = soft_mask;
        return affinity(XEN_DOMCTL_setvcpuaffinity, maps);
    }
    i64 pin(u64 mask) { return pin(mask, mask); }
    i64 ask(Maps const& maps = {}) { return affinity(XEN_DOMCTL_getvcpuaffinity, maps); }

    GuestArray<u64> hard{64}, soft{64};
};

}  // namespace

TEST_CASE("weight and cap of a domain are set and told as credit2's", "[hypercall][domctl][sched]") {
    Scheduling w;
    CHECK(w.adjust(XEN_DOMCTL_SCHEDOP_getinfo, 1, 1) == 0);
    CHECK(w.adjusted().weight == kDefaultWeight);
    CHECK(w.adjusted().cap == 0);
    CHECK(w.adjust(XEN_DOMCTL_SCHEDOP_putinfo, 512, 150) == 0);
    CHECK(w.one.domain.share.weight == 512);
    CHECK(w.one.domain.share.cap() == 150);
    CHECK(w.adjust(XEN_DOMCTL_SCHEDOP_putinfo, 0, 0) == 0);  // weight 0: left as it is; cap 0: none
    CHECK(w.adjust(XEN_DOMCTL_SCHEDOP_getinfo, 0, 0) == 0);
    CHECK(w.adjusted().weight == 512);
    CHECK(w.adjusted().cap == 0);
    CHECK(w.adjust(XEN_DOMCTL_SCHEDOP_putinfo, 0xffff, 0xffff) == 0);
    CHECK(w.adjust(XEN_DOMCTL_SCHEDOP_getinfo, 0, 0) == 0);
    CHECK(w.adjusted().weight == 0xffff);
    CHECK(w.adjusted().cap == 0xffff);
    CHECK(w.two.domain.share.weight == kDefaultWeight);
}

TEST_CASE("scheduler_op refuses other schedulers and what credit2 does not have", "[hypercall][domctl][sched]") {
    Scheduling w;
    CHECK_REFUSED(w, Errno::invalid, w.adjust(XEN_DOMCTL_SCHEDOP_putinfo, 512, 0, XEN_SCHEDULER_CREDIT));
    CHECK_REFUSED(w, Errno::invalid, w.adjust(XEN_DOMCTL_SCHEDOP_getinfo, 512, 0, XEN_SCHEDULER_NULL));
    CHECK_REFUSED(w, Errno::invalid, w.adjust(XEN_DOMCTL_SCHEDOP_putvcpuinfo, 512, 50));
    CHECK_REFUSED(w, Errno::invalid, w.adjust(XEN_DOMCTL_SCHEDOP_getvcpuinfo, 512, 50));
    CHECK_REFUSED(w, Errno::invalid, w.adjust(~0u, 512, 50));
    CHECK_REFUSED(w, Errno::no_such_domain, w.adjust(XEN_DOMCTL_SCHEDOP_putinfo, 512, 50, XEN_SCHEDULER_CREDIT2, 99));
}

TEST_CASE("a vcpu runs anywhere until it is pinned", "[hypercall][domctl][sched]") {
    Scheduling w;
    w.hard[0] = 0;
    CHECK(w.ask() == 0);
    CHECK(w.hard[0] == 0xff);
    CHECK(w.soft[0] == 0xff);
    CHECK(w.pin(0b1110, 0b1011) == 0);
    CHECK(w.hard[0] == 0b0110);  // what is effective: the online ones,
    CHECK(w.soft[0] == 0b0010);  // the soft ones of them
    CHECK(w.ask() == 0);
    CHECK(w.hard[0] == 0b1110);  // what was set
    CHECK(w.soft[0] == 0b1011);
    CHECK(w.ask({.vcpu = 1}) == 0);
    CHECK(w.hard[0] == 0xff);  // the other vcpu is not concerned
}

TEST_CASE("hard and soft affinity are set and asked for one by one", "[hypercall][domctl][sched]") {
    Scheduling w;
    CHECK(w.pin(0b011, 0b101, {.flags = XEN_VCPUAFFINITY_HARD}) == 0);
    CHECK(w.soft[0] == 0b101);  // not written
    CHECK(w.pin(0b111, 0b110, {.flags = XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE}) == 0);
    CHECK(w.hard[0] == 0b111);
    CHECK(w.soft[0] == 0b010);
    CHECK(w.ask({.flags = XEN_VCPUAFFINITY_HARD}) == 0);
    CHECK(w.hard[0] == 0b011);
    CHECK(w.ask({.flags = XEN_VCPUAFFINITY_SOFT}) == 0);
    CHECK(w.soft[0] == 0b110);
    CHECK(w.pin(0, 0, {.flags = 0}) == 0);
    CHECK(w.pin(0b001, 0) == 0);  // likes none more than others
    CHECK(w.one.vcpu.sched.hard_affinity == 0b001);
    CHECK(w.one.vcpu.sched.soft_affinity == 0);
}

TEST_CASE("a pinned vcpu runs where it may", "[hypercall][domctl][sched]") {
    Scheduling w;
    CHECK(w.pin(0b100) == 0);
    for (Vcpu* const other : {&w.zero.vcpu, &w.two.vcpu, w.one.domain.vcpus[1]}) w.scheduler.block(*other);
    Vcpu* const on_first = w.scheduler.pick_next(PcpuId{0}, nullptr, Nanoseconds{1});
    CHECK(on_first == nullptr);
    CHECK(w.scheduler.pick_next(PcpuId{2}, nullptr, Nanoseconds{1}) == &w.one.vcpu);
    w.scheduler.pause_domain(w.one.domain);
    CHECK(w.scheduler.pick_next(PcpuId{2}, &w.one.vcpu, Nanoseconds{2}) == nullptr);
}

TEST_CASE("an affinity that leaves a vcpu no pcpu is refused, and nothing of it is set", "[hypercall][domctl][sched]") {
    Scheduling w;
    CHECK_REFUSED(w, Errno::invalid, w.pin(0));
    CHECK_REFUSED(w, Errno::invalid, w.pin(0b1000, 0b1));   // offline
    CHECK_REFUSED(w, Errno::invalid, w.pin(~u64{0}, 1, {.bits = 0}));
    CHECK_REFUSED(w, Errno::invalid, w.pin(0b110000, 1, {.bits = 4}));  // bits behind the map do not count
    CHECK_REFUSED(w, Errno::invalid, w.pin(1, 1, {.vcpu = 2}));
    CHECK_REFUSED(w, Errno::invalid, w.pin(1, 1, {.vcpu = ~0u}));
    CHECK_REFUSED(w, Errno::invalid, w.ask({.vcpu = 64}));
    CHECK_REFUSED(w, Errno::invalid, w.pin(1, 1, {.flags = 8 | XEN_VCPUAFFINITY_HARD}));
    CHECK_REFUSED(w, Errno::fault, w.pin(1, 1, {.hard_address = kNowhere}));
    CHECK_REFUSED(w, Errno::fault, w.pin(1, 1, {.soft_address = kNowhere}));
    CHECK_REFUSED(w, Errno::fault, w.ask({.soft_address = kNowhere}));
}

TEST_CASE("bitmaps of processors may be shorter and longer than ours", "[hypercall][domctl][sched]") {
    Scheduling w;
    CHECK(w.pin(0b1111'1111, 0b11, {.bits = 3}) == 0);
    CHECK(w.one.vcpu.sched.hard_affinity == 0b111);
    w.hard[0] = ~u64{0};
    w.hard[1] = ~u64{0};
    CHECK(w.ask({.bits = 12}) == 0);
    CHECK(w.hard[0] == (~u64{0} << 16 | 0b111));  // two bytes are written, the rest is not ours
    w.hard[1] = ~u64{0};
    CHECK(w.ask({.bits = 128}) == 0);
    CHECK(w.hard[1] == 0);
    CHECK(w.pin(0b10, 0b10, {.bits = 4096}) == 0);
    CHECK(w.one.vcpu.sched.hard_affinity == 0b10);
    CHECK_REFUSED(w, Errno::invalid, w.pin(0b1, 0b1, {.bits = 4097}));
    CHECK_REFUSED(w, Errno::invalid, w.ask({.bits = ~0u}));
}
