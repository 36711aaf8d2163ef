// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/whole_recount.hpp"

#include "hypervisor/core/debug/check.hpp"
#include "tests/support/hypervisor/recount.hpp"

namespace hospes::test {

namespace {

void add_held(Recount& recount, Mfn mfn, PageType type) {
    if (!mfn.is_valid()) return;
    recount.add_general(mfn);
    recount.add_typed(mfn, type);
}

void add_vcpu(Recount& recount, Vcpu const& vcpu) {
    add_held(recount, vcpu.pv.kernel_root, PageType::l4_table);
    add_held(recount, vcpu.pv.user_root, PageType::l4_table);
    add_held(recount, vcpu.info_frame, PageType::writable);
    for (Mfn const frame : vcpu.pv.gdt_frames) add_held(recount, frame, PageType::segdesc);
    for (Mfn const frame : vcpu.pv.ldt_frames) add_held(recount, frame, PageType::segdesc);
}

// A frame that a domain owns, or that the core shares with it.
void add_owned(World& world, Recount& recount, Mfn mfn) {
    u64 const word = world.ram.frames()[mfn].refs.load();
    if (RefWord::CorePage::get(word) != 0)
        add_held(recount, mfn, PageType::writable);
    else
        recount.add_frame(mfn);
}

}  // namespace

std::vector<Domain*> domains_of(World& world) {
    std::vector<Domain*> all;
    for (Domain* domain = world.domains.first_from(DomId{0}); domain != nullptr;
         domain = world.domains.first_from(DomId{static_cast<u16>(domain->id().raw() + 1)}))
        all.push_back(domain);
    return all;
}

std::vector<GrantMapping> mappings_of(Domain& domain) {
    std::vector<GrantMapping> all;
    Maptrack& maptrack = domain.grants.maptrack();
    for (GrantHandle from{};;) {
        Result<GrantHandle> const handle = maptrack.first_from(from);
        if (!handle.ok()) return all;
        GrantMapping const mapping = maptrack.take(handle.value()).value();
        maptrack.restore(handle.value(), mapping);
        all.push_back(mapping);
        from = GrantHandle{handle.value().raw() + 1};
    }
}

std::string difference_of_all(World& world) {
    Recount recount{world};
    for (u64 mfn = 1; mfn < world.ram.count(); ++mfn) {
        u64 const word = world.ram.frames()[Mfn{mfn}].refs.load();
        bool const is_owned = RefWord::Count::get(word) != 0 && RefWord::Owner::get(word) < kDomIdFirstReserved.raw();
        if (is_owned) add_owned(world, recount, Mfn{mfn});
    }
    for (Domain* const domain : domains_of(world)) {
        for (u32 i = 0; i < domain->max_vcpus; ++i)
            if (domain->vcpus[i] != nullptr) add_vcpu(recount, *domain->vcpus[i]);
        for (GrantMapping const& mapping : mappings_of(*domain)) {
            recount.add_general(Mfn{mapping.frame});
            if (!mapping.readonly) recount.add_typed(Mfn{mapping.frame}, PageType::writable);
        }
    }
    return recount.difference();
}

void check_invariants(World& world) {
    for (Domain* const domain : domains_of(world)) {
        domain->events.check();
        domain->grants.check();
    }
    for (u32 step = 0; step < check_steps(world.system); ++step) {
        auto const findings = run_check_step(world.system, step);
        HV_ASSERT(findings.ok() && findings.value().differences == 0);
    }
}

}  // namespace hospes::test
