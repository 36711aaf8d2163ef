// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/snapshot.hpp"

#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/whole_recount.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

namespace hospes::test {

namespace {

constexpr u32 kPortsLookedAt = 64;

u64 hash(void const* bytes, usize size) {
    u64 value = 0xcbf2'9ce4'8422'2325;
    for (usize i = 0; i < size / sizeof(u64); ++i) {
        u64 word = 0;
        std::memcpy(&word, static_cast<u8 const*>(bytes) + i * sizeof word, sizeof word);
        value = (value ^ word) * 0x100'0000'01b3;
    }
    return value;
}

// One line; what is added by mfn() appears in the exact lines only.
class Line {
public:
    explicit Line(std::string const& start) { exact_ << start, effect_ << start; }
    template <typename T>
    Line& add(char const* name, T const& value) {
        exact_ << ' ' << name << ' ' << value;
        effect_ << ' ' << name << ' ' << value;
        return *this;
    }
    Line& mfn(char const* name, Mfn value) {
        exact_ << ' ' << name << ' ' << value.raw();
        effect_ << ' ' << name << ' ' << value.is_valid();
        return *this;
    }
    Line& only_exact(char const* name, u64 value) {
        exact_ << ' ' << name << ' ' << value;
        return *this;
    }
    void end(Snapshot& snapshot) const {
        snapshot.exact.push_back(exact_.str());
        snapshot.effect.push_back(effect_.str());
    }

private:
    std::ostringstream exact_, effect_;
};

std::string name_of(Domain const& domain) { return "d" + std::to_string(domain.id().raw()); }

void add_domain(Snapshot& snapshot, Domain& domain) {
    Line{name_of(domain)}
        .add("life", static_cast<int>(domain.life))
        .add("pages", domain.total_pages.load())
        .add("max", domain.max_pages)
        .add("map", domain.memory_map_pages)
        .add("shut down", domain.is_shut_down)
        .add("reason", static_cast<int>(domain.shutdown_reason))
        .add("pauses", static_cast<u32>(domain.pause_count))
        .add("assist", domain.vm_assist)
        .add("handle", hash(domain.handle, sizeof domain.handle))
        .add("pins", domain.grants.pins())
        .add("mappings", domain.grants.maptrack().handles_in_use())
        .add("weight", domain.share.weight.load())
        .add("cap", domain.share.cap())
        .end(snapshot);
    snapshot.tables.push_back(name_of(domain) + " core pages " + std::to_string(domain.core_pages.load()) + " grant frames " +
                              std::to_string(domain.grants.frame_count()));
    for (u32 i = 0; i < domain.grants.frame_count(); ++i)
        snapshot.tables.push_back(name_of(domain) + " grants " + std::to_string(hash(frame_pointer(domain.grants.shared_frame(i).value()), kPageSize)));
    if (domain.shared_info == nullptr) return;
    Line{name_of(domain)}
        .add("pending", hash(domain.shared_info->evtchn_pending, sizeof domain.shared_info->evtchn_pending))
        .add("clock", domain.shared_info->wc_sec)
        .add("masked", hash(domain.shared_info->evtchn_mask, sizeof domain.shared_info->evtchn_mask))
        .end(snapshot);
}

void add_ports(Snapshot& snapshot, Domain& domain) {
    for (u32 number = 1; number < kPortsLookedAt; ++number) {
        Result<PortStatus> const status = domain.events.status(EventPort{number});
        if (!status.ok() || status.value().state == PortState::free) continue;
        Line{name_of(domain) + " port " + std::to_string(number)}
            .add("state", static_cast<int>(status.value().state))
            .add("vcpu", status.value().vcpu.raw())
            .add("domain", status.value().domain.raw())
            .add("port", status.value().port.raw())
            .add("number", status.value().number)
            .end(snapshot);
    }
}

void add_mappings(Snapshot& snapshot, Domain& domain) {
    for (GrantMapping const& mapping : mappings_of(domain))
        Line{name_of(domain) + " maps"}
            .add("ref", mapping.ref)
            .add("of", mapping.granter)
            .add("readonly", mapping.readonly)
            .add("host", mapping.host)
            .add("device", mapping.device)
            .only_exact("frame", mapping.frame)
            .end(snapshot);
}

void add_vcpu(Snapshot& snapshot, Vcpu const& vcpu) {
    PvState const& pv = vcpu.pv;
    u64 traps = 0;
    for (TrapHandler const& trap : pv.traps) traps = traps * 31 + trap.address + trap.dpl + (trap.masks_events ? 1 : 0);
    Line line{name_of(vcpu.domain()) + "v" + std::to_string(vcpu.id().raw())};
    line.mfn("root", pv.kernel_root).mfn("user root", pv.user_root).mfn("info", vcpu.info_frame);
    line.add("gdt", pv.gdt_entries).mfn("first", pv.gdt_frames[0]).add("ldt", pv.ldt_entries).mfn("first", pv.ldt_frames[0]);
    line.add("traps", traps).add("event", pv.event_callback.address).add("failsafe", pv.failsafe_callback.address);
    line.add("syscall", pv.syscall_callback.address).add("stack", pv.kernel_sp).add("iopl", int{pv.iopl}).add("ts", pv.ts);
    line.add("kernel", pv.in_kernel).add("fs", pv.fs_base).add("gs", pv.gs_base_kernel).add("user gs", pv.gs_base_user);
    line.add("debug", hash(pv.debug_registers.data(), sizeof pv.debug_registers)).add("regs", hash(&vcpu.regs, sizeof vcpu.regs));
    line.add("up", bool{vcpu.is_up}).add("initialised", bool{vcpu.is_initialised}).add("polls", bool{vcpu.is_polling});
    line.add("blocked", bool{vcpu.sched.is_blocked}).add("runstate", vcpu.runstate_area.raw());
    line.add("hard", vcpu.sched.hard_affinity).add("soft", vcpu.sched.soft_affinity);
    line.add("single shot", vcpu.timers.singleshot.raw()).add("period", vcpu.timers.periodic_period.raw());
    line.end(snapshot);
}

void add_frame(Snapshot& snapshot, World& world, Mfn mfn) {
    u64 const refs = world.ram.frames()[mfn].refs.load();
    u64 const type = world.ram.frames()[mfn].type.load();
    if (RefWord::Count::get(refs) == 0 || RefWord::Owner::get(refs) >= kDomIdFirstReserved.raw()) return;
    if (RefWord::CorePage::get(refs) != 0 && RefWord::Count::get(refs) == 1) return;  // counted among the tables
    Line line{"frame"};
    line.only_exact("number", mfn.raw()).add("owner", RefWord::Owner::get(refs)).add("references", RefWord::Count::get(refs));
    line.add("flags", refs >> 48 & 7).add("type", TypeWord::Count::get(type) != 0 ? TypeWord::Type::get(type) : 0);
    line.add("typed", TypeWord::Count::get(type)).add("progress", TypeWord::Progress::get(type)).add("pinned", TypeWord::Pinned::get(type));
    line.only_exact("pfn", reinterpret_cast<u64 const*>(m2p_base)[mfn.raw()]);
    line.only_exact("contents", hash(frame_pointer(mfn), kPageSize));
    line.end(snapshot);
}

}  // namespace

Snapshot::Snapshot(World& world) {
    for (Domain* const domain : domains_of(world)) {
        add_domain(*this, *domain);
        add_ports(*this, *domain);
        add_mappings(*this, *domain);
        for (u32 i = 0; i < domain->max_vcpus; ++i)
            if (domain->vcpus[i] != nullptr) add_vcpu(*this, *domain->vcpus[i]);
    }
    for (u64 mfn = 1; mfn < world.ram.count(); ++mfn) add_frame(*this, world, Mfn{mfn});
    for (u32 const pirq : pirqs().messages) Line{"message"}.add("pirq", pirq).end(*this);
    for (auto const& [pirq, port] : pirqs().bound) Line{"bound"}.add("pirq", pirq).add("port", port.raw()).end(*this);
    for (auto const& [gsi, is_level] : pirqs().gsis) Line{"gsi"}.add("number", gsi).add("level", is_level).end(*this);
    tables.push_back("free pages " + std::to_string(world.heap.free_pages()));
    std::sort(effect.begin(), effect.end());  // frames in whatever order
}

std::string difference(std::vector<std::string> const& before, std::vector<std::string> const& after) {
    auto const [was, is] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
    if (was == before.end() && is == after.end()) return {};
    return "was: " + (was == before.end() ? "nothing" : *was) + "\nis:  " + (is == after.end() ? "nothing" : *is);
}

}  // namespace hospes::test
