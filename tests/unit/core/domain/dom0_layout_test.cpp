// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/domain/dom0_layout.hpp"
#include "hypervisor/x86/pte.hpp"

#include <catch2/catch.hpp>

using namespace hospes;

namespace {

constexpr u64 kPagesPerMiB = (u64{1} << 20) >> kPageShift;
constexpr u64 kRamdiskBytes = (u64{5} << 20) + 1;

// 20 MiB and a byte.
KernelImage kernel(u64 init_p2m = 0) {
    KernelImage image;
    image.end = (u64{20} << 20) + 1;
    image.init_p2m = init_p2m;
    return image;
}

Dom0Layout layout_of(KernelImage const& image, u64 pages) {
    auto const layout = lay_out_dom0(image, kRamdiskBytes, pages);
    REQUIRE(layout.ok());
    return layout.value();
}

}  // namespace

TEST_CASE("the list of a kernel that asks for no place of its own is in the initial mapping", "[core][domain]") {
    Dom0Layout const layout = layout_of(kernel(), 64 * kPagesPerMiB);
    CHECK(layout.p2m.first == Pfn{20 * kPagesPerMiB + 1});
    CHECK(layout.p2m.count == 64 * kPagesPerMiB * sizeof(u64) / kPageSize);
    CHECK(layout.start_info == layout.p2m.end());
    CHECK(layout.tables.first == layout.start_info + 1);
    CHECK(layout.stack == layout.tables.end());
    CHECK(layout.p2m_tables.count == 0);
    CHECK(layout.ramdisk.first == layout.mapped_end);
    CHECK(layout.ramdisk.count == 5 * kPagesPerMiB + 1);
}

TEST_CASE("the initial mapping ends on 4 MiB, leaves half a MiB free, and has the tables it needs", "[core][domain]") {
    for (u64 const mib : {64, 200, 1024, 4096}) {
        Dom0Layout const layout = layout_of(kernel(), mib * kPagesPerMiB);
        CHECK(layout.mapped_end.raw() % (4 * kPagesPerMiB) == 0);
        CHECK(layout.mapped_end - layout.stack > kPagesPerMiB / 2);
        CHECK(layout.mapped_end - layout.stack <= kPagesPerMiB / 2 + 4 * kPagesPerMiB + 1);
        u64 const level1 = layout.tables.count - 3;
        CHECK(level1 * kEntriesPerTable >= layout.mapped_end.raw());
        CHECK((level1 - 2) * kEntriesPerTable < layout.mapped_end.raw());
    }
}

TEST_CASE("the list that is mapped by itself lies behind the ramdisk, its tables behind it", "[core][domain]") {
    Dom0Layout const layout = layout_of(kernel(0xffff'8000'0000'0000), 4096 * kPagesPerMiB);
    CHECK(layout.start_info == Pfn{20 * kPagesPerMiB + 1});
    CHECK(layout.p2m.first == layout.ramdisk.end());
    CHECK(layout.p2m.count == 2048);
    CHECK(layout.p2m_l1s == 4);
    CHECK(layout.p2m_l2s == 1);
    CHECK(layout.p2m_tables.first == layout.p2m.end());
    CHECK(layout.p2m_tables.count == 6);
}

TEST_CASE("a domain that cannot hold all of it is refused, one page more is enough", "[core][domain]") {
    for (u64 const init_p2m : {u64{0}, u64{0xffff'8000'0000'0000}}) {
        u64 least = 20 * kPagesPerMiB;
        while (!lay_out_dom0(kernel(init_p2m), kRamdiskBytes, least).ok()) ++least;
        CHECK(lay_out_dom0(kernel(init_p2m), kRamdiskBytes, least - 1).error() == Errno::no_memory);
        Dom0Layout const layout = layout_of(kernel(init_p2m), least);
        CHECK((init_p2m == 0 ? layout.ramdisk.end() : layout.p2m_tables.end()) == Pfn{least});
    }
}
