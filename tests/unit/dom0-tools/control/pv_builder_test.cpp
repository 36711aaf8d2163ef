// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/pv_builder.hpp"

#include "dom0-tools/control/pv_layout.hpp"
#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/support/dom0/sample_kernel.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>

using namespace hospes;
using namespace hospes::control;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t kMemory = std::uint64_t{16} << 20;
constexpr std::uint64_t kPtePresentBit = 1;
constexpr std::uint64_t kPteWritableBit = 2;

// A domain that was built, seen as its kernel will see it: through its page tables.
class Guest {
public:
    Guest(FakePrivcmd const& privcmd, DomId id) : privcmd_{privcmd}, domain_{privcmd.domains().at(id)} {}

    std::optional<std::uint64_t> entry_of(std::uint64_t vaddr) const {
        Mfn table = *domain_.pinned;
        for (unsigned level = 4;; --level) {
            auto const index = vaddr >> (12 + 9 * (level - 1)) & 511;
            std::uint64_t entry = 0;
            std::memcpy(&entry, privcmd_.frame(table).data() + index * 8, 8);
            if ((entry & kPtePresentBit) == 0) return std::nullopt;
            if (level == 1) return entry;
            table = Mfn{entry >> 12 & 0xffffffffff};
        }
    }
    std::span<std::byte const> page(std::uint64_t vaddr) const {
        auto const entry = entry_of(vaddr);
        REQUIRE(entry);
        return privcmd_.frame(Mfn{*entry >> 12 & 0xffffffffff});
    }
    template <typename T>
    T read(std::uint64_t vaddr) const {
        T value;
        REQUIRE(vaddr % kPageSize + sizeof(T) <= kPageSize);
        std::memcpy(&value, page(vaddr).data() + vaddr % kPageSize, sizeof(T));
        return value;
    }
    start_info_t start_info() const { return read<start_info_t>(domain_.context->user_regs.rsi); }
    Mfn frame_of(std::uint64_t pfn) const { return Mfn{read<std::uint64_t>(start_info().mfn_list + pfn * 8)}; }
    FakeDomain const& domain() const { return domain_; }

private:
    FakePrivcmd const& privcmd_;
    FakeDomain const& domain_;
};

struct Built {
    FakePrivcmd privcmd{16384};
    DomainConfig config;
    std::vector<std::byte> ramdisk;
    DomId id;
    Result<BuiltDomain> result = fail(0, "not built");

    void build(SampleKernel const& sample) {
        config.memory_bytes = kMemory;
        config.command_line = "console=hvc0 quiet";
        config.vcpus = 3;
        auto const kernel = read_kernel(elf_file(sample));
        REQUIRE(kernel);
        id = *privcmd.create_domain({});
        result = build_pv_domain(privcmd, id, config, *kernel, ramdisk);
        INFO((result ? "" : result.error().message()));
        CHECK(privcmd.complaints() == std::vector<std::string>{});
        REQUIRE(result);
        CHECK(privcmd.live_mappings() == 0);
    }
};

KernelImage kernel_of(SampleKernel const& sample) { return *read_kernel(elf_file(sample)); }

}  // namespace

TEST_CASE("a built domain's start_info says what its kernel finds", "[builder]") {
    Built built;
    built.ramdisk = pattern(10000);
    built.build({});
    Guest const guest{built.privcmd, built.id};
    auto const info = guest.start_info();
    CHECK(std::string{info.magic} == "xen-3.0-x86_64");
    CHECK(info.nr_pages == kMemory / kPageSize);
    CHECK(info.shared_info == guest.domain().info.shared_info.raw() * kPageSize);
    CHECK(info.flags == (SIF_MOD_START_PFN | SIF_VIRT_P2M_4TOOLS));
    CHECK(info.store_mfn == built.result->store_ring.raw());
    CHECK(info.store_evtchn == built.result->store_port.raw());
    CHECK(info.console.domU.mfn == built.result->console_ring.raw());
    CHECK(info.console.domU.evtchn == built.result->console_port.raw());
    CHECK(built.result->store_port != built.result->console_port);
    CHECK(info.mfn_list == 0x8000000000);
    CHECK(std::string{reinterpret_cast<char const*>(info.cmd_line)} == "console=hvc0 quiet");
    CHECK(info.mod_len == 10000);
    for (std::size_t at = 0; at < 10000; ++at) {
        auto const page = built.privcmd.frame(guest.frame_of(info.mod_start + at / kPageSize));
        REQUIRE(page[at % kPageSize] == built.ramdisk[at]);
    }
}

TEST_CASE("the kernel lies where its segments say, with zeroes behind them", "[builder]") {
    Built built;
    built.build({.segments = {{0x100000, pattern(5000), 12288}, {0x103010, pattern(100), 200}}});
    Guest const guest{built.privcmd, built.id};
    auto const byte_at = [&](std::uint64_t paddr) { return guest.read<std::byte>(0xffffffff80000000 + paddr); };
    for (std::size_t i = 0; i < 5000; ++i) REQUIRE(byte_at(0x100000 + i) == pattern(5000)[i]);
    for (std::size_t i = 5000; i < 12288; ++i) REQUIRE(byte_at(0x100000 + i) == std::byte{0});
    for (std::size_t i = 0; i < 100; ++i) REQUIRE(byte_at(0x103010 + i) == pattern(100)[i]);
    for (std::size_t i = 100; i < 200; ++i) REQUIRE(byte_at(0x103010 + i) == std::byte{0});
}

TEST_CASE("the p2m list names every frame, and none behind the last", "[builder]") {
    Built built;
    built.config.memory_bytes = kMemory;
    built.build({});
    Guest const guest{built.privcmd, built.id};
    std::set<std::uint64_t> seen;
    for (auto const& [mfn, pfn] : guest.domain().frames) {
        REQUIRE(guest.frame_of(pfn) == Mfn{mfn});
        seen.insert(pfn);
    }
    CHECK(seen.size() == kMemory / kPageSize);
    auto const info = guest.start_info();
    CHECK(info.nr_p2m_frames == 8 + 3);  // 4096 entries, and three page tables of their own
    CHECK(info.first_p2m_pfn + info.nr_p2m_frames <= info.nr_pages);
}

TEST_CASE("a p2m list that ends inside a page is filled up with invalid entries", "[builder]") {
    Built built;
    auto const kernel = kernel_of({});
    built.config.memory_bytes = kMemory + (std::uint64_t{1} << 20);
    auto const id = *built.privcmd.create_domain({});
    REQUIRE(build_pv_domain(built.privcmd, id, built.config, kernel, {}));
    Guest const guest{built.privcmd, id};
    for (std::uint64_t pfn = 4352; pfn < 4608; ++pfn) CHECK_FALSE(guest.frame_of(pfn).is_valid());
}

TEST_CASE("all of the boot mapping is there, its page tables read-only and the L4 first", "[builder]") {
    Built built;
    built.build({});
    Guest const guest{built.privcmd, built.id};
    auto const info = guest.start_info();
    auto const stack_end = guest.domain().context->user_regs.rsp;
    CHECK(guest.domain().pinned == Mfn{*guest.entry_of(info.pt_base) >> 12 & 0xffffffffff});
    CHECK(stack_end == info.pt_base + (info.nr_pt_frames + 1) * kPageSize);
    auto mapped = std::uint64_t{0xffffffff80000000};
    for (; guest.entry_of(mapped); mapped += kPageSize) {
        bool const is_table = mapped >= info.pt_base && mapped < info.pt_base + info.nr_pt_frames * kPageSize;
        REQUIRE(((*guest.entry_of(mapped) & kPteWritableBit) == 0) == is_table);
        REQUIRE(guest.frame_of((mapped - 0xffffffff80000000) / kPageSize) == Mfn{*guest.entry_of(mapped) >> 12 & 0xffffffffff});
    }
    CHECK(mapped % (4 << 20) == 0);
    CHECK(mapped - stack_end >= 512 << 10);
    CHECK(guest.page(stack_end - 1)[4095] == std::byte{0});
}

TEST_CASE("the first vcpu starts at the kernel's entry in the flat segments", "[builder]") {
    Built built;
    built.build({});
    auto const& context = *Guest{built.privcmd, built.id}.domain().context;
    CHECK(context.flags == (VGCF_in_kernel | VGCF_online));
    CHECK(context.user_regs.rip == 0xffffffff80100010);
    CHECK(context.user_regs.cs == 0xe033);
    CHECK(context.user_regs.ss == 0xe02b);
    CHECK(context.user_regs.rflags == 0x200);
    CHECK(context.kernel_ss == 0xe02b);
    CHECK(context.kernel_sp == context.user_regs.rsp);
    CHECK(context.debugreg[7] == 0x400);
    CHECK(built.privcmd.domains().at(built.id).max_vcpus == 3);
    CHECK(built.privcmd.domains().at(built.id).address_size == 64);
}

TEST_CASE("dom0 may map both rings by the reserved grants, and upcalls are masked", "[builder]") {
    Built built;
    built.build({});
    auto const& domain = built.privcmd.domains().at(built.id);
    auto const* const grants = reinterpret_cast<grant_entry_v1_t const*>(built.privcmd.frame(domain.grant_table).data());
    CHECK(grants[GNTTAB_RESERVED_CONSOLE].flags == GTF_permit_access);
    CHECK(grants[GNTTAB_RESERVED_CONSOLE].domid == 0);
    CHECK(grants[GNTTAB_RESERVED_CONSOLE].frame == built.result->console_ring.raw());
    CHECK(grants[GNTTAB_RESERVED_XENSTORE].frame == built.result->store_ring.raw());
    CHECK(grants[2].flags == 0);
    for (auto const ring : {built.result->console_ring, built.result->store_ring}) {
        CHECK(std::ranges::all_of(built.privcmd.frame(ring), [](std::byte byte) { return byte == std::byte{0}; }));
    }
    auto const* const shared = reinterpret_cast<shared_info_t const*>(built.privcmd.frame(domain.info.shared_info).data());
    for (auto const& vcpu : shared->vcpu_info) CHECK(vcpu.evtchn_upcall_mask == 1);
    CHECK(shared->evtchn_pending[0] == 0);
}

TEST_CASE("a kernel without a place for its p2m list finds it mapped behind itself", "[builder]") {
    Built built;
    built.build({.p2m_base = std::nullopt});
    Guest const guest{built.privcmd, built.id};
    auto const info = guest.start_info();
    CHECK(info.mfn_list == 0xffffffff80000000 + 0x103000);
    CHECK(info.nr_p2m_frames == 0);
    for (auto const& [mfn, pfn] : guest.domain().frames) REQUIRE(guest.frame_of(pfn) == Mfn{mfn});
}

TEST_CASE("a kernel that cannot take its ramdisk by pfn finds it mapped", "[builder]") {
    Built built;
    built.ramdisk = pattern(5000);
    built.build({.ramdisk_by_pfn = false});
    Guest const guest{built.privcmd, built.id};
    auto const info = guest.start_info();
    CHECK((info.flags & SIF_MOD_START_PFN) == 0);
    for (std::size_t i = 0; i < 5000; ++i) REQUIRE(guest.read<std::byte>(info.mod_start + i) == built.ramdisk[i]);
}

TEST_CASE("a hypercall page is filled with code that loads each slot's number", "[builder]") {
    Built built;
    built.build({.hypercall_page = 0xffffffff80101000});
    Guest const guest{built.privcmd, built.id};
    for (std::uint64_t number = 0; number < 128; ++number) {
        bool const is_iret = number == __HYPERVISOR_iret;
        auto const slot = 0xffffffff80101000 + number * 32;
        CHECK(guest.read<std::uint8_t>(slot) == 0x51);
        CHECK(guest.read<std::uint8_t>(slot + (is_iret ? 4 : 3)) == 0xb8);
        CHECK(guest.read<std::uint32_t>(slot + (is_iret ? 5 : 4)) == number);
        CHECK(guest.read<std::uint16_t>(slot + (is_iret ? 9 : 8)) == 0x050f);
    }
}

TEST_CASE("memory that does not suffice is said with the amount that would", "[builder]") {
    auto const plan = plan_layout(kernel_of({}), std::uint64_t{4} << 20, 3 << 20);
    REQUIRE_FALSE(plan);
    CHECK_THAT(plan.error().message(), Contains("need 8 MiB to start, and the domain's <memory> is 4 MiB"));
    CHECK(plan_layout(kernel_of({}), std::uint64_t{8} << 20, 3 << 20));
}

TEST_CASE("addresses that cannot be mapped are refused", "[builder]") {
    CHECK_FALSE(plan_layout(kernel_of({.virt_base = 0xffffffffc0000000}), kMemory, 0));
    CHECK_FALSE(plan_layout(kernel_of({.virt_base = 0xffffffff80001000}), kMemory, 0));
    CHECK_FALSE(plan_layout(kernel_of({.virt_base = 0x0001000000000000}), kMemory, 0));
    CHECK_FALSE(plan_layout(kernel_of({.p2m_base = 0x8000001000}), kMemory, 0));
    CHECK_FALSE(plan_layout(kernel_of({.p2m_base = 0xffffff8000000000}), kMemory, 0));
}

TEST_CASE("the page tables of large domains suffice", "[builder]") {
    auto const gib = GENERATE(1u, 2u, 3u, 64u, 1024u);
    auto const plan = plan_layout(kernel_of({}), std::uint64_t{gib} << 30, 0);
    REQUIRE(plan);
    auto const list_pages = (std::uint64_t{gib} << 18) / 512;
    CHECK(plan->p2m_list_pages == list_pages);
    CHECK(plan->p2m_tables.l1 == (list_pages + 511) / 512);
    CHECK(plan->p2m_tables.l2 == (plan->p2m_tables.l1 + 511) / 512);
    CHECK(plan->p2m_tables.l3 == 1);
    CHECK(plan->p2m.count == list_pages + plan->p2m_tables.total());
}
