// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Devices : Stage {
    template <typename Op>
    i64 op(Vcpu& caller, u64 command, Op const& argument) {
        return World::hypercall(caller, __HYPERVISOR_physdev_op, {command, pointer_to(argument)});
    }
    template <typename Op>
    i64 op(u64 command, Op const& argument) {
        return op(zero.vcpu, command, argument);
    }
    template <typename Change>
    i64 map(int type, Change change) {
        physdev_map_pirq_t request{};
        request.domid = DOMID_SELF;
        request.type = type;
        change(request);
        return op(PHYSDEVOP_map_pirq, request);
    }
    i64 map(int type) {
        return map(type, [](auto&) {});
    }
    u32 mapped() { return static_cast<u32>(last<physdev_map_pirq_t>()->pirq); }
};

}  // namespace

TEST_CASE("any kernel may have its I/O privilege, which ends at 3", "[hypercall][physdev]") {
    Devices w;
    CHECK(w.op(w.one.vcpu, PHYSDEVOP_set_iopl, physdev_set_iopl_t{3}) == 0);
    CHECK(w.one.vcpu.pv.iopl == 3);
    CHECK_REFUSED(w, Errno::invalid, w.op(w.one.vcpu, PHYSDEVOP_set_iopl, physdev_set_iopl_t{4}));
    CHECK_REFUSED(w, Errno::fault, World::hypercall(w.one.vcpu, __HYPERVISOR_physdev_op, {PHYSDEVOP_set_iopl, kNowhere}));
}

TEST_CASE("interrupts and devices are the hardware domain's", "[hypercall][physdev]") {
    Devices w;
    for (u64 const command : {PHYSDEVOP_eoi, PHYSDEVOP_irq_status_query, PHYSDEVOP_apic_read, PHYSDEVOP_alloc_irq_vector, PHYSDEVOP_map_pirq,
                              PHYSDEVOP_unmap_pirq, PHYSDEVOP_setup_gsi, PHYSDEVOP_pci_mmcfg_reserved, PHYSDEVOP_pci_device_add, PHYSDEVOP_pci_device_remove,
                              PHYSDEVOP_prepare_msix, PHYSDEVOP_release_msix})
        CHECK_REFUSED(w, Errno::perm, World::hypercall(w.one.vcpu, __HYPERVISOR_physdev_op, {command, kNowhere}));
    for (u64 const command : {PHYSDEVOP_apic_write, PHYSDEVOP_manage_pci_add, 99})
        CHECK_REFUSED(w, Errno::no_system_call, World::hypercall(w.zero.vcpu, __HYPERVISOR_physdev_op, {command, kNowhere}));
    CHECK(w.op(PHYSDEVOP_pci_device_add, physdev_pci_device_add{}) == 0);
}

TEST_CASE("GSIs keep their number, messages get a new one", "[hypercall][physdev]") {
    Devices w;
    CHECK(w.map(MAP_PIRQ_TYPE_GSI, [](auto& m) { m.index = 9; }) == 0);
    CHECK(w.mapped() == 9);
    CHECK(w.map(MAP_PIRQ_TYPE_MSI) == 0);
    CHECK(w.mapped() == kFakeGsis);
    CHECK(w.map(MAP_PIRQ_TYPE_MSI_SEG, [](auto& m) {
        m.domid = 0;
        m.table_base = 0xfe00'0000;
        m.entry_nr = 3;
    }) == 0);
    CHECK(w.mapped() == kFakeGsis + 1);
    CHECK(w.op(PHYSDEVOP_unmap_pirq, physdev_unmap_pirq_t{DOMID_SELF, kFakeGsis}) == 0);
    CHECK(pirqs().messages == std::set<u32>{kFakeGsis + 1});
}

TEST_CASE("map_pirq refuses what is not there", "[hypercall][physdev]") {
    Devices w;
    CHECK_REFUSED(w, Errno::perm, w.map(MAP_PIRQ_TYPE_GSI, [](auto& m) { m.domid = 1; }));
    CHECK_REFUSED(w, Errno::invalid, w.map(MAP_PIRQ_TYPE_GSI, [](auto& m) { m.index = kFakeGsis; }));
    CHECK_REFUSED(w, Errno::invalid, w.map(MAP_PIRQ_TYPE_MSI, [](auto& m) { m.bus = 1; }));
    CHECK_REFUSED(w, Errno::invalid, w.map(MAP_PIRQ_TYPE_MSI_SEG, [](auto& m) { m.bus = 1 << 16; }));  // segment 1
    CHECK_REFUSED(w, Errno::invalid, w.map(MAP_PIRQ_TYPE_MULTI_MSI));
    CHECK_REFUSED(w, Errno::invalid, w.map(MAP_PIRQ_TYPE_MSI_SEG, [](auto& m) {
        m.table_base = 0xfe00'0000;
        m.entry_nr = -1;
    }));
    for (u32 i = 0; i < kFakeMessages; ++i) CHECK(w.map(MAP_PIRQ_TYPE_MSI) == 0);
    CHECK_REFUSED(w, Errno::no_space, w.map(MAP_PIRQ_TYPE_MSI));
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_unmap_pirq, physdev_unmap_pirq_t{DOMID_SELF, 999}));
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_unmap_pirq, physdev_unmap_pirq_t{DOMID_SELF, -1}));
}

TEST_CASE("a GSI is set up once, and then tells whether it wants an end", "[hypercall][physdev]") {
    Devices w;
    CHECK(w.op(PHYSDEVOP_setup_gsi, physdev_setup_gsi_t{9, 1, 1}) == 0);
    CHECK_REFUSED(w, Errno::exists, w.op(PHYSDEVOP_setup_gsi, physdev_setup_gsi_t{9, 0, 0}));
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_setup_gsi, physdev_setup_gsi_t{kFakeGsis, 0, 0}));
    CHECK(w.op(PHYSDEVOP_irq_status_query, physdev_irq_status_query_t{9, 0}) == 0);
    CHECK(w.last<physdev_irq_status_query_t>()->flags == XENIRQSTAT_needs_eoi);
    CHECK(w.op(PHYSDEVOP_irq_status_query, physdev_irq_status_query_t{8, ~0u}) == 0);
    CHECK(w.last<physdev_irq_status_query_t>()->flags == 0);
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_irq_status_query, physdev_irq_status_query_t{999, 0}));
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_eoi, physdev_eoi_t{9}));  // not bound
    CHECK(w.op(PHYSDEVOP_alloc_irq_vector, physdev_irq_t{9, 0}) == 0);
    CHECK(w.last<physdev_irq_t>()->vector == 9);
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_alloc_irq_vector, physdev_irq_t{kFakeGsis, 0}));
}

TEST_CASE("registers of an IO-APIC that exists can be read", "[hypercall][physdev]") {
    Devices w;
    CHECK(w.op(PHYSDEVOP_apic_read, physdev_apic_t{kFakeIoApic, 1, 0}) == 0);
    CHECK(w.last<physdev_apic_t>()->value == 0x1001);
    CHECK_REFUSED(w, Errno::invalid, w.op(PHYSDEVOP_apic_read, physdev_apic_t{kFakeIoApic + 0x1000, 1, 0}));
}
