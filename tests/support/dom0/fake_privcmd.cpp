// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dom0/fake_privcmd.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace hospes {
namespace {

constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kSuperpage = 1 << 7;

}  // namespace

FakePrivcmd::FakePrivcmd(std::uint64_t frames) : file_{::memfd_create("frames", MFD_CLOEXEC)}, total_{frames} {
    auto const size = frames * kPageSize;
    if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) std::abort();
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED) std::abort();
    memory_ = {static_cast<std::byte*>(memory), size};
    for (std::uint64_t mfn = 16; mfn < frames; ++mfn) free_.insert(mfn);
    FakeDomain control;
    control.info.is_running = true;
    domains_.emplace(kDomIdDom0, control);
}

Status FakePrivcmd::count_call(char const* what) {
    if (++calls_ == failing_call_) return fail(ENOMEM, "{}: refused by the test", what);
    return {};
}

Result<FakeDomain*> FakePrivcmd::called(char const* what, DomId domain) {
    HV_TRY(count_call(what));
    auto const found = domains_.find(domain);
    if (found == domains_.end()) return fail(ESRCH, "{}: no such domain", what);
    return &found->second;
}

// The highest first, every third one left out: mfns are neither pfns nor contiguous.
Mfn FakePrivcmd::take_frame() {
    auto frame = std::prev(free_.end());
    if (*frame % 3 == 0 && frame != free_.begin()) --frame;
    auto const mfn = *frame;
    free_.erase(frame);
    std::memset(memory_.data() + mfn * kPageSize, 0x5a, kPageSize);  // who wants zeroes has to write them
    return Mfn{mfn};
}

void FakePrivcmd::shut_down(DomId domain, unsigned reason) {
    auto& info = domains_.at(domain).info;
    info.is_shutdown = true;
    info.shutdown_reason = reason;
}

Result<DomId> FakePrivcmd::create_domain(CreateDomain const& parameters) {
    HV_TRY(count_call("createdomain"));
    FakeDomain domain;
    domain.info.id = DomId{next_domain_++};
    domain.info.handle = parameters.handle;
    domain.info.is_paused = true;
    domain.info.shared_info = take_frame();
    domain.grant_table = take_frame();
    std::memset(memory_.data() + domain.grant_table.raw() * kPageSize, 0, kPageSize);
    auto const id = domain.info.id;
    domains_.emplace(id, std::move(domain));
    on_create(id);
    return id;
}

Status FakePrivcmd::destroy_domain(DomId id) {
    auto* const domain = HV_TRY(called("destroydomain", id));
    if (*live_mappings_ > 0) complain("a domain was destroyed while its frames were mapped");
    for (auto const& [mfn, pfn] : domain->frames) free_.insert(mfn);
    free_.insert(domain->info.shared_info.raw());
    free_.insert(domain->grant_table.raw());
    domains_.erase(id);
    on_destroy(id);
    return {};
}

Status FakePrivcmd::pause_domain(DomId domain) {
    HV_TRY(called("pausedomain", domain))->info.is_paused = true;
    return {};
}

Status FakePrivcmd::unpause_domain(DomId id) {
    auto* const domain = HV_TRY(called("unpausedomain", id));
    if (!domain->context) complain("a domain without a vcpu context was unpaused");
    domain->info.is_paused = false;
    return {};
}

Result<std::optional<DomainInfo>> FakePrivcmd::domain_info(DomId id) {
    HV_TRY(count_call("getdomaininfo"));
    auto const found = domains_.find(id);
    if (found == domains_.end()) return std::nullopt;
    return found->second.info;
}

Result<std::vector<DomainInfo>> FakePrivcmd::list_domains() {
    HV_TRY(count_call("getdomaininfolist"));
    std::vector<DomainInfo> all;
    for (auto const& [id, domain] : domains_) all.push_back(domain.info);
    return all;
}

Status FakePrivcmd::set_max_memory(DomId domain, std::uint64_t kib) {
    HV_TRY(called("max_mem", domain))->info.max_pages = kib / 4;
    return {};
}

Status FakePrivcmd::set_vcpu_context(DomId id, VcpuId vcpu, vcpu_guest_context_t const& context) {
    auto* const domain = HV_TRY(called("setvcpucontext", id));
    if (vcpu != VcpuId{0}) complain("a context for another vcpu than the first");
    if (domain->pinned != Mfn{context.ctrlreg[3] >> kPageShift}) complain("cr3 is not the pinned table");
    domain->context = context;
    return {};
}

Status FakePrivcmd::set_max_vcpus(DomId id, unsigned count) {
    auto* const domain = HV_TRY(called("max_vcpus", id));
    domain->max_vcpus = domain->info.vcpus = count;
    return {};
}

Result<VcpuInfo> FakePrivcmd::vcpu_info(DomId id, VcpuId vcpu) {
    auto* const domain = HV_TRY(called("getvcpuinfo", id));
    if (vcpu.raw() >= domain->max_vcpus) return fail(EINVAL, "getvcpuinfo");
    return VcpuInfo{.is_online = vcpu == VcpuId{0}, .cpu_time_ns = 1000};
}

Result<Affinity> FakePrivcmd::affinity(DomId id, VcpuId vcpu) {
    auto* const domain = HV_TRY(called("getvcpuaffinity", id));
    if (vcpu.raw() >= domain->max_vcpus) return fail(EINVAL, "getvcpuaffinity");
    auto const set = domain->affinities.find(vcpu);
    return set == domain->affinities.end() ? Affinity{CpuSet::all(), CpuSet::all()} : set->second;
}

Result<Affinity> FakePrivcmd::set_affinity(DomId id, VcpuId vcpu, std::optional<CpuSet> hard, std::optional<CpuSet> soft) {
    auto const before = HV_TRY(affinity(id, vcpu));
    auto* const domain = HV_TRY(called("setvcpuaffinity", id));
    Affinity const after{hard.value_or(before.hard), soft.value_or(before.soft)};
    auto const online = HV_TRY(online_processors());
    if ((after.hard & online).is_empty()) return fail(EINVAL, "setvcpuaffinity");
    domain->affinities.insert_or_assign(vcpu, after);
    return Affinity{after.hard & online, after.soft & after.hard & online};
}

Result<SchedShare> FakePrivcmd::sched_share(DomId domain) { return HV_TRY(called("scheduler_op", domain))->share; }

Status FakePrivcmd::set_sched_share(DomId domain, SchedShare share) {
    HV_TRY(called("scheduler_op", domain))->share = share;
    return {};
}

Result<std::vector<Processor>> FakePrivcmd::processors() {
    HV_TRY(count_call("cputopoinfo"));
    return std::vector<Processor>{{.socket = 0, .core = 0}, {.socket = 0, .core = 1}};
}

Result<CpuSet> FakePrivcmd::online_processors() {
    HV_TRY(count_call("cpupool_op"));
    return CpuSet::first(2);
}

Status FakePrivcmd::set_address_size(DomId domain, unsigned bits) {
    HV_TRY(called("set_address_size", domain))->address_size = bits;
    return {};
}

Result<std::size_t> FakePrivcmd::populate(DomId id, unsigned order, std::span<std::uint64_t> frames) {
    auto* const domain = HV_TRY(called("populate_physmap", id));
    if (order != 0) return std::size_t{0};  // memory is fragmented
    for (std::size_t i = 0; i < frames.size(); ++i) {
        if (free_.size() < 4 || domain->info.pages == domain->info.max_pages) return i;
        auto const mfn = take_frame();
        std::memset(memory_.data() + mfn.raw() * kPageSize, 0, kPageSize);  // the hypervisor wipes what it gives a domain
        domain->frames.emplace(mfn.raw(), frames[i]);
        ++domain->info.pages;
        frames[i] = mfn.raw();
    }
    return frames.size();
}

Result<EventPort> FakePrivcmd::alloc_unbound_port(DomId domain, DomId) {
    return EventPort{HV_TRY(called("alloc_unbound", domain))->next_port++};
}

// Each page once, so that the pages of any frames lie side by side.
Result<ForeignMapping> FakePrivcmd::map(std::span<Mfn const> frames) {
    auto const size = frames.size() * kPageSize;
    void* const range = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (range == MAP_FAILED) return fail_errno("mmap");
    for (std::size_t i = 0; i < frames.size(); ++i) {
        void* const place = static_cast<std::byte*>(range) + i * kPageSize;
        auto const offset = static_cast<off_t>(frames[i].raw() * kPageSize);
        if (::mmap(place, kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.get(), offset) == MAP_FAILED) {
            return fail_errno("mmap a frame");
        }
    }
    ++*live_mappings_;
    return ForeignMapping{std::span{static_cast<std::byte*>(range), size},
                          [live = live_mappings_](std::span<std::byte> bytes) {
                              ::munmap(bytes.data(), bytes.size());
                              --*live;
                          }};
}

Result<ForeignMapping> FakePrivcmd::map_foreign(DomId id, std::span<Mfn const> frames) {
    auto* const domain = HV_TRY(called("map_foreign", id));
    for (auto const mfn : frames) {
        if (domain->frames.contains(mfn.raw()) || mfn == domain->info.shared_info) continue;
        return fail(EPERM, "frame {:#x} is not the domain's", mfn.raw());
    }
    return map(frames);
}

Result<ForeignMapping> FakePrivcmd::map_grant_table(DomId id) {
    auto* const domain = HV_TRY(called("acquire_resource", id));
    std::array const frame{domain->grant_table};
    return map(frame);
}

Result<PhysicalInfo> FakePrivcmd::physical_info() {
    HV_TRY(count_call("physinfo"));
    return PhysicalInfo{.cpus = 2, .cores_per_socket = 2, .threads_per_core = 1, .cpu_khz = 1000, .total_pages = total_, .free_pages = free_.size()};
}

Status FakePrivcmd::press_debug_keys(std::string_view) { return {}; }

Result<HospesCheck> FakePrivcmd::run_check_step(std::uint32_t step) { return HospesCheck{step, 1, 0, 0, 0, 0}; }

Result<std::string> FakePrivcmd::console_log() { return "fake\n"; }
Result<HypervisorVersion> FakePrivcmd::version() { return HypervisorVersion{.major = 4, .minor = 17, .extra = "-fake", .changeset = {}, .capabilities = {}, .command_line = {}}; }

// The rule of direct paging: a frame that is a page table is nowhere mapped writable.
Status FakePrivcmd::pin_l4_table(DomId id, Mfn table) {
    auto* const domain = HV_TRY(called("pin", id));
    if (*live_mappings_ > 0) return fail(EBUSY, "frames of the domain are still mapped writable");
    std::set<std::uint64_t> tables;
    std::set<std::uint64_t> writable;
    auto const before = complaints_.size();
    check_table(*domain, table, 4, tables, writable);
    for (auto const mfn : tables) {
        if (writable.contains(mfn)) complain(fmt::format("page table {:#x} is mapped writable", mfn));
    }
    if (complaints_.size() != before) return fail(EINVAL, "the page tables are not valid");
    domain->pinned = table;
    return {};
}

void FakePrivcmd::check_table(FakeDomain& domain, Mfn table, int level, std::set<std::uint64_t>& tables,
                              std::set<std::uint64_t>& writable) {
    if (!tables.insert(table.raw()).second) complain("a page table is used twice");
    for (std::size_t i = 0; i < kPageSize / 8; ++i) {
        std::uint64_t entry = 0;
        std::memcpy(&entry, frame(table).data() + i * 8, 8);
        if ((entry & kPresent) == 0) {
            if (entry != 0) complain(fmt::format("an L{} entry is not present and not zero: {:#x}", level, entry));
            continue;
        }
        Mfn const mfn{entry >> kPageShift & 0xffffffffff};
        if (!domain.frames.contains(mfn.raw())) {
            complain(fmt::format("an L{} entry names frame {:#x}, which is not the domain's", level, mfn.raw()));
        } else if (level == 1) {
            if ((entry & kWritable) != 0) writable.insert(mfn.raw());
        } else if ((entry & kSuperpage) != 0) {
            complain("a superpage");
        } else {
            check_table(domain, mfn, level - 1, tables, writable);
        }
    }
}

}  // namespace hospes
