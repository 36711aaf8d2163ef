// SPDX-License-Identifier: Apache-2.0
// physdev_op (33): the hardware domain's interrupts and devices; and the I/O privilege of any PV kernel.
#include "hypervisor/core/event/physical_irq.hpp"
#include "hypervisor/core/event/pirq.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/guest_memory.hpp"

namespace hospes {
namespace {

Outcome set_iopl(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<physdev_set_iopl_t>{arg}.read());
    if (request.iopl > 3) return Errno::invalid;
    caller.pv.iopl = static_cast<u8>(request.iopl);
    load_io_privilege(caller);
    return 0;
}

Outcome eoi(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<physdev_eoi_t>{arg}.read());
    HV_TRY(end_pirq(caller.domain(), Pirq{request.irq}));
    return 0;
}

Outcome irq_status_query(Vcpu& caller, GuestAddress arg) {
    GuestHandle<physdev_irq_status_query_t> const handle{arg};
    auto request = HV_TRY(handle.read());
    bool const needs_eoi = HV_TRY(pirq_needs_eoi(caller.domain(), Pirq{request.irq}));
    request.flags = needs_eoi ? XENIRQSTAT_needs_eoi : 0;
    HV_TRY(handle.write(request));
    return 0;
}

Outcome apic_read(Vcpu&, GuestAddress arg) {
    GuestHandle<physdev_apic_t> const handle{arg};
    auto request = HV_TRY(handle.read());
    request.value = HV_TRY(io_apic_register(MachineAddress{request.apic_physbase}, request.reg));
    HV_TRY(handle.write(request));
    return 0;
}

// Vectors are the core's business; dom0 only wants to hear that there is one.
Outcome alloc_irq_vector(Vcpu& caller, GuestAddress arg) {
    GuestHandle<physdev_irq_t> const handle{arg};
    auto request = HV_TRY(handle.read());
    HV_TRY(map_gsi(caller.domain(), Gsi{request.irq}));
    request.vector = request.irq;
    HV_TRY(handle.write(request));
    return 0;
}

Result<Pirq> map_message(Domain& domain, physdev_map_pirq_t const& request) {
    u32 const place = static_cast<u32>(request.bus);
    bool const has_segment = request.type == MAP_PIRQ_TYPE_MSI_SEG;
    if (has_segment && place >> 16 != 0) return Errno::invalid;  // only segment 0 has a configuration window here
    PciFunction const function{static_cast<u8>(place), static_cast<u8>(request.devfn)};
    if (request.table_base == 0) return map_msi(domain, function);
    return map_msix(domain, function, static_cast<u32>(request.entry_nr));
}

Outcome map_pirq(Vcpu& caller, GuestAddress arg) {
    GuestHandle<physdev_map_pirq_t> const handle{arg};
    auto request = HV_TRY(handle.read());
    Domain& domain = caller.domain();
    if (request.domid != kDomIdSelf.raw() && request.domid != domain.id().raw()) return Errno::perm;
    switch (request.type) {
        case MAP_PIRQ_TYPE_GSI:
            request.pirq = static_cast<int>(HV_TRY(map_gsi(domain, Gsi{static_cast<u32>(request.index)})).raw());
            break;
        case MAP_PIRQ_TYPE_MSI:
        case MAP_PIRQ_TYPE_MSI_SEG:
            request.pirq = static_cast<int>(HV_TRY(map_message(domain, request)).raw());
            break;
        default:
            return Errno::invalid;
    }
    Status const told = handle.write(request);
    bool const is_new = request.type != MAP_PIRQ_TYPE_GSI;
    if (!told.ok() && is_new) (void)unmap_pirq(domain, Pirq{static_cast<u32>(request.pirq)});
    return told.ok() ? Outcome{0} : Outcome{told.error()};
}

Outcome unmap(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<physdev_unmap_pirq_t>{arg}.read());
    HV_TRY(unmap_pirq(caller.domain(), Pirq{static_cast<u32>(request.pirq)}));
    return 0;
}

Outcome setup_gsi(Vcpu& caller, GuestAddress arg) {
    auto const request = HV_TRY(GuestHandle<physdev_setup_gsi_t>{arg}.read());
    HV_TRY(set_up_gsi(caller.domain(), Gsi{static_cast<u32>(request.gsi)}, request.triggering != 0, request.polarity != 0));
    return 0;
}

// The core does not enumerate PCI: dom0's word is noted by answering it.
Outcome accept(Vcpu&, GuestAddress) { return 0; }

struct Row {
    u32 command;
    bool hardware_domain_only;
    Outcome (*run)(Vcpu& caller, GuestAddress arg);
};

constexpr Row kOps[] = {
    {PHYSDEVOP_set_iopl, false, set_iopl},
    {PHYSDEVOP_eoi, true, eoi},
    {PHYSDEVOP_irq_status_query, true, irq_status_query},
    {PHYSDEVOP_apic_read, true, apic_read},
    {PHYSDEVOP_alloc_irq_vector, true, alloc_irq_vector},
    {PHYSDEVOP_map_pirq, true, map_pirq},
    {PHYSDEVOP_unmap_pirq, true, unmap},
    {PHYSDEVOP_setup_gsi, true, setup_gsi},
    {PHYSDEVOP_pci_mmcfg_reserved, true, accept},
    {PHYSDEVOP_pci_device_add, true, accept},
    {PHYSDEVOP_pci_device_remove, true, accept},
    {PHYSDEVOP_prepare_msix, true, accept},
    {PHYSDEVOP_release_msix, true, accept},
};

}  // namespace

Outcome hypercall_physdev_op(Vcpu& caller, HypercallArgs& args) {
    for (Row const& row : kOps) {
        if (row.command != args[0]) continue;
        if (row.hardware_domain_only && !caller.domain().is_hardware_domain()) return Errno::perm;
        return row.run(caller, GuestAddress{args[1]});
    }
    return Errno::no_system_call;
}

}  // namespace hospes
