// SPDX-License-Identifier: Apache-2.0
// memory_op (hypercall 12).
#include "support.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kSpareFrames = 64;

/// A frame of this domain that lies beyond the initial mapping and is mapped nowhere: the highest pfns hold the p2m.
Pfn spare_pfn(u64 index) { return Pfn{start_info().first_p2m_pfn + start_info().nr_p2m_frames + 100 + index}; }

/// The loader's p2m list is writable: the tests keep it true.
void set_p2m(Pfn pfn, Mfn mfn) { reinterpret_cast<u64 *>(start_info().mfn_list)[raw(pfn)] = raw(mfn); }

long reservation(u32 command, xen_pfn_t *frames, u64 count, u32 order = 0, u16 domain = DOMID_SELF) {
    xen_memory_reservation_t request{};
    request.extent_start.p = frames;
    request.nr_extents = count;
    request.extent_order = order;
    request.domid = domain;
    return hv::memory_op(command, &request);
}

long pages_held() {
    domid_t self = DOMID_SELF;
    return hv::memory_op(XENMEM_current_reservation, &self);
}

}  // namespace

HV_TEST(memory_current_and_maximum_reservation) {
    domid_t self = DOMID_SELF;
    HV_CHECK(pages_held() >= static_cast<long>(start_info().nr_pages));
    HV_CHECK(hv::memory_op(XENMEM_maximum_reservation, &self) >= pages_held());
    domid_t missing = 1234;
    HV_CHECK(is_missing_domain(hv::memory_op(XENMEM_current_reservation, &missing)));
}

HV_TEST(memory_maximum_ram_page_is_above_our_frames) {
    const long top = hv::memory_op(XENMEM_maximum_ram_page);
    HV_CHECK(top > static_cast<long>(raw(mfn_of_address(&start_info()))));
}

HV_TEST(memory_machphys_mapping_is_the_known_window) {
    xen_machphys_mapping_t mapping{};
    HV_REQUIRE_EQ(hv::memory_op(XENMEM_machphys_mapping, &mapping), 0);
    HV_CHECK_EQ(mapping.v_start, kHypervisorStart);
    HV_CHECK_EQ(mapping.v_end, kHypervisorStart + 0x4000000000);
    HV_CHECK(mapping.max_mfn >= raw(mfn_of_address(&start_info())));
}

HV_TEST(memory_every_frame_is_in_both_tables) {
    for (u64 i = 0; i < start_info().nr_pages; ++i) {
        const Pfn pfn{i};
        HV_REQUIRE(pfn_of(mfn_of(pfn)) == pfn);
    }
}

HV_TEST(memory_decrease_and_populate_one_frame) {
    const Pfn pfn = spare_pfn(0);
    const long before = pages_held();
    xen_pfn_t frame = raw(mfn_of(pfn));
    HV_REQUIRE_EQ(reservation(XENMEM_decrease_reservation, &frame, 1), 1);
    HV_CHECK_EQ(pages_held(), before - 1);
    frame = raw(pfn);
    HV_REQUIRE_EQ(reservation(XENMEM_populate_physmap, &frame, 1), 1);
    HV_CHECK_EQ(pages_held(), before);
    HV_CHECK(pfn_of(Mfn{frame}) == pfn);
    set_p2m(pfn, Mfn{frame});
    const Window window;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(Mfn{frame}, kWritablePage)), 0);
    *reinterpret_cast<volatile u64 *>(window.va(0)) = 1;
    HV_CHECK_EQ(window.map(0, 0), 0);
}

HV_TEST(memory_new_frames_hold_nothing_of_anybody) {
    const Window window;
    HV_REQUIRE(window.usable());
    static xen_pfn_t frames[kSpareFrames];
    for (u64 i = 0; i < kSpareFrames; ++i) {
        frames[i] = raw(mfn_of(spare_pfn(i)));
        HV_REQUIRE_EQ(window.map(0, entry(Mfn{frames[i]}, kWritablePage)), 0);
        *reinterpret_cast<volatile u64 *>(window.va(0) + 64) = 0x5ec2e7;
        HV_REQUIRE_EQ(window.map(0, 0), 0);
    }
    HV_REQUIRE_EQ(reservation(XENMEM_decrease_reservation, frames, kSpareFrames), kSpareFrames);
    for (u64 i = 0; i < kSpareFrames; ++i) frames[i] = raw(spare_pfn(i));
    HV_REQUIRE_EQ(reservation(XENMEM_populate_physmap, frames, kSpareFrames), kSpareFrames);
    for (u64 i = 0; i < kSpareFrames; ++i) {
        set_p2m(spare_pfn(i), Mfn{frames[i]});
        HV_CHECK(pfn_of(Mfn{frames[i]}) == spare_pfn(i));
    }
}

HV_TEST(memory_decrease_of_a_mapped_or_foreign_frame) {
    const Page page;
    const auto *root = reinterpret_cast<const u64 *>(start_info().pt_base);
    xen_pfn_t frame = raw(entry_mfn(root[256]));
    HV_CHECK_EQ(reservation(XENMEM_decrease_reservation, &frame, 1), 0);
    frame = raw(kNoSuchMfn);
    HV_CHECK_EQ(reservation(XENMEM_decrease_reservation, &frame, 1), 0);
}

HV_TEST(memory_reservation_errors) {
    xen_pfn_t frame = raw(spare_pfn(0));
    // Xen says "none done" (0) where it cannot even read the request.
    HV_CHECK(reservation(XENMEM_populate_physmap, &frame, 1, 0, 1234) <= 0);
    HV_CHECK(reservation(XENMEM_populate_physmap, &frame, 1, 63) <= 0);
    HV_CHECK(reservation(XENMEM_decrease_reservation, &frame, 1, 63) <= 0);
    HV_CHECK(reservation(XENMEM_increase_reservation, &frame, ~0UL >> 4) <= 0);
    for (const u64 bad : kBadPointers) {
        HV_CHECK(reservation(XENMEM_populate_physmap, reinterpret_cast<xen_pfn_t *>(bad), 1) <= 0);
        HV_CHECK(reservation(XENMEM_decrease_reservation, reinterpret_cast<xen_pfn_t *>(bad), 1) <= 0);
        HV_CHECK(hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, bad) <= 0);
    }
}

HV_TEST(memory_exchange_of_single_frames_for_a_contiguous_extent) {
    static xen_pfn_t in[16], out[1];
    for (u64 i = 0; i < 16; ++i) in[i] = raw(mfn_of(spare_pfn(i)));
    out[0] = raw(spare_pfn(0));
    xen_memory_exchange_t exchange{};
    exchange.in.extent_start.p = in;
    exchange.in.nr_extents = 16;
    exchange.in.domid = DOMID_SELF;
    exchange.out.extent_start.p = out;
    exchange.out.nr_extents = 1;
    exchange.out.extent_order = 4;
    exchange.out.domid = DOMID_SELF;
    const long before = pages_held();
    const long result = hv::memory_op(XENMEM_exchange, &exchange);
    HV_SKIP_IF(result == kENOMEM, "no contiguous extent is free");
    HV_SKIP_IF(result == kEPERM && !is_initial_domain(), "contiguous memory is for domains with devices");
    HV_REQUIRE_EQ(result, 0);
    HV_CHECK_EQ(exchange.nr_exchanged, 16);
    HV_CHECK_EQ(out[0] & 15, 0);
    HV_CHECK_EQ(pages_held(), before);
    for (u64 i = 0; i < 16; ++i) {
        HV_CHECK(pfn_of(Mfn{out[0] + i}) == spare_pfn(i));
        set_p2m(spare_pfn(i), Mfn{out[0] + i});
    }
}

HV_TEST(memory_exchange_refusals_leave_everything_as_it_was) {
    static xen_pfn_t in[16], out[1];
    const auto prepare = [] {
        for (u64 i = 0; i < 16; ++i) in[i] = raw(mfn_of(spare_pfn(i)));
        out[0] = raw(spare_pfn(0));
        xen_memory_exchange_t exchange{};
        exchange.in.extent_start.p = in;
        exchange.in.nr_extents = 16;
        exchange.in.domid = DOMID_SELF;
        exchange.out.extent_start.p = out;
        exchange.out.nr_extents = 1;
        exchange.out.extent_order = 4;
        exchange.out.domid = DOMID_SELF;
        return exchange;
    };
    const long before = pages_held();
    xen_memory_exchange_t exchange = prepare();
    exchange.in.nr_extents = 15;  // sizes differ
    HV_CHECK(hv::memory_op(XENMEM_exchange, &exchange) < 0);
    HV_CHECK_EQ(exchange.nr_exchanged, 0);
    exchange = prepare();
    in[7] = raw(kNoSuchMfn);
    HV_CHECK(hv::memory_op(XENMEM_exchange, &exchange) < 0);
    HV_CHECK_EQ(exchange.nr_exchanged, 0);
    exchange = prepare();
    exchange.out.extent_start.p = reinterpret_cast<xen_pfn_t *>(kHypervisorStart + 0x50000000000);
    HV_CHECK(hv::memory_op(XENMEM_exchange, &exchange) < 0);
    exchange = prepare();
    exchange.nr_exchanged = 1000;
    HV_CHECK(hv::memory_op(XENMEM_exchange, &exchange) < 0);
    HV_CHECK_EQ(pages_held(), before);
    for (u64 i = 0; i < 16; ++i) HV_CHECK(pfn_of(mfn_of(spare_pfn(i))) == spare_pfn(i));
}

HV_TEST(memory_map_of_the_domain) {
    static u8 buffer[128 * 20];
    xen_memory_map_t map{};
    map.nr_entries = 128;
    map.buffer.p = buffer;
    const u32 command = is_initial_domain() ? XENMEM_machine_memory_map : XENMEM_memory_map;
    const long result = hv::memory_op(command, &map);
    HV_SKIP_IF(!is_initial_domain() && result == kENOSYS, "whoever built this domain gave it no map");
    HV_REQUIRE_EQ(result, 0);
    HV_REQUIRE(map.nr_entries > 0 && map.nr_entries <= 128);
    u64 last = 0;
    bool ram = false;
    for (u32 i = 0; i < map.nr_entries; ++i) {
        u64 start = 0, size = 0;
        u32 type = 0;
        memcpy(&start, buffer + i * 20, 8);
        memcpy(&size, buffer + i * 20 + 8, 8);
        memcpy(&type, buffer + i * 20 + 16, 4);
        HV_CHECK(start >= last);
        HV_CHECK(size > 0);
        last = start + size;
        ram = ram || type == 1;
    }
    HV_CHECK(ram);
}

HV_TEST(memory_map_buffers_are_respected) {
    HV_SKIP_IF(!is_initial_domain(), "the machine's map is the initial domain's");
    static u8 buffer[128 * 20];
    xen_memory_map_t map{};
    memset(buffer, 0xee, sizeof buffer);
    map.nr_entries = 1;
    map.buffer.p = buffer;
    static_cast<void>(hv::memory_op(XENMEM_machine_memory_map, &map));
    HV_CHECK_EQ(buffer[20], 0xee);
    map.nr_entries = 128;
    map.buffer.p = reinterpret_cast<void *>(0x1000);
    HV_CHECK_EQ(hv::memory_op(XENMEM_machine_memory_map, &map), kEFAULT);
}

HV_TEST(memory_unknown_commands_are_enosys) {
    HV_CHECK_EQ(hv::memory_op(63), kENOSYS);
    HV_CHECK_EQ(hv::memory_op(50), kENOSYS);
}

}  // namespace hospes::guest
