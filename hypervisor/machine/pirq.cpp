// SPDX-License-Identifier: Apache-2.0
// Physical interrupts: from a vector to an event channel. A level-triggered one stays masked from its arrival until dom0 says that it
// has been served; an edge or message is acknowledged at once.
#include "hypervisor/core/event/pirq.hpp"

#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/physical_irq.hpp"
#include "hypervisor/machine/io_apic.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/pci.hpp"
#include "hypervisor/machine/vectors.hpp"

namespace hospes {
namespace {

constexpr u32 kMaxPirqs = 224;
constexpr u8 kInt80 = 0x80;  // belongs to guests

enum class Source : u8 { none, gsi, msi, msix };

struct PhysicalIrq {
    Source source = Source::none;
    bool is_mapped = false;  // dom0 has asked for it
    bool is_routed = false;  // GSI: trigger and polarity are known
    bool is_level = false;
    bool is_active_low = false;
    bool is_bound = false;
    Vector vector{};
    EventPort port{};
    Domain* domain = nullptr;
    MsixEntry msix{};
};

constinit Spinlock lock{LockRank::pirq};
constinit std::array<PhysicalIrq, kMaxPirqs> pirqs{};
constinit std::array<u8, 256> owner_of_vector{};  // number of the pirq plus one; 0: the vector is free
static_assert(kMaxPirqs < 255);

// All go to the first pcpu, which never goes offline.
ApicId target() { return pcpus[0].apic_id; }

MsiMessage message_for(Vector vector) {
    constexpr u64 kMessageBase = 0xfee0'0000;
    return {kMessageBase | (u64{target().raw()} << 12), vector.raw()};
}

void on_interrupt(Vector vector) {
    u8 const owner = owner_of_vector[vector.raw()];
    if (owner == 0) {  // late news of a pirq that is gone
        end_of_interrupt();
        return;
    }
    u32 const number = owner - 1u;
    PhysicalIrq const& irq = pirqs[number];
    if (irq.source == Source::gsi && irq.is_level) mask_gsi(Gsi{number}, true);
    end_of_interrupt();
    if (irq.is_bound) irq.domain->events.raise(irq.port);
}

Result<Vector> allocate_vector(u32 pirq) {
    for (unsigned v = kFirstDeviceVector.raw(); v <= kLastDeviceVector.raw(); ++v) {
        bool const is_used = owner_of_vector[v] != 0 || v == kInt80;
        if (is_used) continue;
        Vector const vector{static_cast<u8>(v)};
        owner_of_vector[v] = static_cast<u8>(pirq + 1);
        register_vector(vector, on_interrupt);
        return vector;
    }
    return Errno::no_space;
}

void apply_route(u32 number) {
    PhysicalIrq const& irq = pirqs[number];
    route_gsi(Gsi{number}, {irq.vector, target(), irq.is_level, irq.is_active_low, !irq.is_bound});
}

Result<PhysicalIrq*> mapped_pirq(Domain& domain, Pirq pirq) {
    if (!domain.is_hardware_domain() || pirq.raw() >= kMaxPirqs) return Errno::invalid;
    PhysicalIrq& irq = pirqs[masked_index(pirq.raw(), kMaxPirqs)];
    if (!irq.is_mapped) return Errno::invalid;
    return &irq;
}

// A free number above the GSIs.
Result<u32> free_pirq() {
    for (u32 i = gsi_count(); i < kMaxPirqs; ++i) {
        if (!pirqs[i].is_mapped) return i;
    }
    return Errno::no_space;
}

void release(u32 number) {
    PhysicalIrq& irq = pirqs[number];
    if (irq.source == Source::msix) mask_msix(irq.msix);
    if (irq.source == Source::gsi) mask_gsi(Gsi{number}, true);
    if (irq.vector.raw() != 0) owner_of_vector[irq.vector.raw()] = 0;
    irq = PhysicalIrq{};
}

}  // namespace

Result<Pirq> map_gsi(Domain& domain, Gsi gsi) {
    if (!domain.is_hardware_domain() || gsi.raw() >= gsi_count() || gsi.raw() >= kMaxPirqs) return Errno::invalid;
    LockGuard guard{lock};
    PhysicalIrq& irq = pirqs[gsi.raw()];
    if (!irq.is_mapped) {
        irq.vector = HV_TRY(allocate_vector(gsi.raw()));
        irq.source = Source::gsi;
        irq.is_mapped = true;
    }
    return Pirq{gsi.raw()};
}

Status set_up_gsi(Domain& domain, Gsi gsi, bool is_level, bool is_active_low) {
    HV_TRY(map_gsi(domain, gsi));
    LockGuard guard{lock};
    PhysicalIrq& irq = pirqs[gsi.raw()];
    if (irq.is_routed) return Errno::exists;
    irq.is_routed = true;
    irq.is_level = is_level;
    irq.is_active_low = is_active_low;
    apply_route(gsi.raw());
    return {};
}

Result<Pirq> map_msi(Domain& domain, PciFunction function) {
    if (!domain.is_hardware_domain()) return Errno::perm;
    LockGuard guard{lock};
    u32 const number = HV_TRY(free_pirq());
    Vector const vector = HV_TRY(allocate_vector(number));
    Status const written = write_msi(function, message_for(vector));
    if (!written.ok()) {
        owner_of_vector[vector.raw()] = 0;
        return written.error();
    }
    pirqs[number] = {.source = Source::msi, .is_mapped = true, .vector = vector};
    return Pirq{number};
}

Result<Pirq> map_msix(Domain& domain, PciFunction function, u32 entry) {
    if (!domain.is_hardware_domain()) return Errno::perm;
    LockGuard guard{lock};
    MsixEntry const place = HV_TRY(find_msix_entry(function, entry));
    u32 const number = HV_TRY(free_pirq());
    Vector const vector = HV_TRY(allocate_vector(number));
    pirqs[number] = {.source = Source::msix, .is_mapped = true, .vector = vector, .msix = place};
    write_msix(place, message_for(vector));
    return Pirq{number};
}

Status unmap_pirq(Domain& domain, Pirq pirq) {
    LockGuard guard{lock};
    PhysicalIrq const* const irq = HV_TRY(mapped_pirq(domain, pirq));
    if (irq->is_bound) return Errno::busy;
    if (irq->source != Source::gsi) release(pirq.raw());  // a GSI keeps its vector for the next driver
    return {};
}

Result<bool> pirq_needs_eoi(Domain& domain, Pirq pirq) {
    if (!domain.is_hardware_domain() || pirq.raw() >= kMaxPirqs) return Errno::invalid;
    PhysicalIrq const& irq = pirqs[pirq.raw()];
    return irq.source == Source::gsi && irq.is_level;
}

Result<u32> io_apic_register(MachineAddress base, u32 index) { return read_io_apic(base, index); }

Status bind_pirq(Domain& domain, Pirq pirq, EventPort port, bool) {
    LockGuard guard{lock};
    PhysicalIrq* const irq = HV_TRY(mapped_pirq(domain, pirq));
    if (irq->is_bound) return Errno::exists;
    irq->domain = &domain;
    irq->port = port;
    irq->is_bound = true;
    if (irq->source == Source::gsi) apply_route(pirq.raw());
    return {};
}

void unbind_pirq(Domain& domain, Pirq pirq) {
    LockGuard guard{lock};
    auto const irq = mapped_pirq(domain, pirq);
    if (!irq.ok()) return;
    irq.value()->is_bound = false;
    if (irq.value()->source == Source::gsi) mask_gsi(Gsi{pirq.raw()}, true);
}

Status end_pirq(Domain& domain, Pirq pirq) {
    LockGuard guard{lock};
    PhysicalIrq const* const irq = HV_TRY(mapped_pirq(domain, pirq));
    if (!irq->is_bound) return Errno::invalid;
    if (irq->source == Source::gsi && irq->is_level) mask_gsi(Gsi{pirq.raw()}, false);
    return {};
}

}  // namespace hospes
