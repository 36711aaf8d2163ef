// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_pirq.hpp"

#include "hypervisor/core/event/physical_irq.hpp"
#include "hypervisor/core/event/pirq.hpp"

namespace hospes {

using namespace test;

namespace {

bool exists(Pirq pirq) { return pirq.raw() < kFakeGsis || pirqs().messages.contains(pirq.raw()); }

Result<Pirq> map_message(PciFunction function, u32 entry, u32 entries) {
    if (function.bus != 0 || entry >= entries) return Errno::invalid;
    for (u32 pirq = kFakeGsis; pirq < kFakeGsis + kFakeMessages; ++pirq)
        if (pirqs().messages.insert(pirq).second) return Pirq{pirq};
    return Errno::no_space;
}

}  // namespace

Status bind_pirq(Domain&, Pirq pirq, EventPort port, bool) {
    if (!exists(pirq)) return Errno::invalid;
    if (!pirqs().bound.emplace(pirq.raw(), port).second) return Errno::exists;
    return {};
}

void unbind_pirq(Domain&, Pirq pirq) {
    pirqs().bound.erase(pirq.raw());
    ++pirqs().unbinds;
}

Status end_pirq(Domain&, Pirq pirq) {
    if (!pirqs().bound.contains(pirq.raw())) return Errno::invalid;
    pirqs().ended.insert(pirq.raw());
    return {};
}

Result<Pirq> map_gsi(Domain&, Gsi gsi) {
    if (gsi.raw() >= kFakeGsis) return Errno::invalid;
    return Pirq{gsi.raw()};
}

Status set_up_gsi(Domain&, Gsi gsi, bool is_level, bool) {
    if (gsi.raw() >= kFakeGsis) return Errno::invalid;
    return pirqs().gsis.emplace(gsi.raw(), is_level).second ? Status{} : Status{Errno::exists};
}

Result<Pirq> map_msi(Domain&, PciFunction function) { return map_message(function, 0, 1); }
Result<Pirq> map_msix(Domain&, PciFunction function, u32 entry) { return map_message(function, entry, 4); }

Status unmap_pirq(Domain&, Pirq pirq) {
    if (!exists(pirq)) return Errno::invalid;
    pirqs().messages.erase(pirq.raw());
    return {};
}

Result<bool> pirq_needs_eoi(Domain&, Pirq pirq) {
    if (!exists(pirq)) return Errno::invalid;
    auto const gsi = pirqs().gsis.find(pirq.raw());
    return gsi != pirqs().gsis.end() && gsi->second;
}

Result<u32> io_apic_register(MachineAddress base, u32 index) {
    if (base.raw() != kFakeIoApic) return Errno::invalid;
    return 0x1000 + index;
}

namespace test {
FakePirqs& pirqs() {
    static FakePirqs state;
    return state;
}
}  // namespace test

}  // namespace hospes
