// SPDX-License-Identifier: Apache-2.0
// What holds for a run queue while its lock is held.
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/sched/scheduler.hpp"

namespace hospes {
namespace {

struct Listed {
    u32 count = 0;
    u32 weight = 0;
    bool is_sound = true;
};

Listed walk(VcpuList const& list, PcpuId pcpu, Standing standing, u32 most) {
    Listed listed;
    Vcpu const* previous = nullptr;
    for (Vcpu const* vcpu = list.first(); vcpu != nullptr && listed.count <= most; vcpu = vcpu->sched.next) {
        ++listed.count;
        listed.weight += vcpu->sched.weight;
        listed.is_sound = listed.is_sound && vcpu->sched.previous == previous && vcpu->sched.standing == standing && vcpu->sched.pcpu.load() == pcpu;
        previous = vcpu;
    }
    return listed;
}

}  // namespace

char const* Scheduler::find_fault(PcpuId pcpu, DomainList& domains) {
    RunQueue& queue = queue_of(pcpu);
    LockGuard const guard{queue.lock};
    u32 standing = 0;
    bool is_double = false;
    for_each_domain(domains, [&](Domain const& domain) {
        for (u32 i = 0; i < domain.max_vcpus; ++i) {
            Vcpu const* const vcpu = domain.vcpus[i];
            if (vcpu == nullptr || vcpu->sched.pcpu.load() != pcpu || vcpu->sched.standing == Standing::nowhere) continue;
            ++standing;
            is_double = is_double || vcpu == queue.running;
        }
    });
    Listed const waiting = walk(queue.waiting, pcpu, Standing::waiting, standing);
    Listed const parked = walk(queue.parked, pcpu, Standing::parked, standing);
    if (!waiting.is_sound || !parked.is_sound) return "a vcpu is in a list that it does not know of";
    if (waiting.count + parked.count != standing) return "the vcpus in its lists are not those that stand there";
    if (is_double) return "the vcpu that runs waits, too";
    u32 const running = queue.running != nullptr ? queue.running->sched.weight : 0;
    if (queue.waiters.load() != waiting.count) return "it counts its waiting vcpus wrongly";
    if (queue.weight.load() != waiting.weight + running) return "it counts its weight wrongly";
    return nullptr;
}

}  // namespace hospes
