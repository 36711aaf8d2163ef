// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/io_apic.hpp"

#include "hypervisor/machine/acpi.hpp"
#include "hypervisor/ports/frame_window.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u32 kVersionRegister = 1;
constexpr u32 kFirstEntryRegister = 0x10;
constexpr u32 kActiveLow = 1u << 13;
constexpr u32 kLevel = 1u << 15;
constexpr u32 kMasked = 1u << 16;

struct IoApic {
    u32 volatile* select = nullptr;
    u32 volatile* window = nullptr;
    MachineAddress address;
    u32 gsi_base = 0;
    u32 pins = 0;

    u32 read(u32 index) const {
        *select = index;
        return *window;
    }
    void write(u32 index, u32 value) const {
        *select = index;
        *window = value;
    }
};

constinit std::array<IoApic, 8> io_apics{};
constinit u32 io_apic_count = 0;

struct Pin {
    IoApic const* controller;
    u32 entry_register;
};

Pin pin_of(Gsi gsi) {
    for (u32 i = 0; i < io_apic_count; ++i) {
        IoApic const& controller = io_apics[i];
        if (gsi.raw() >= controller.gsi_base && gsi.raw() < controller.gsi_base + controller.pins) {
            return {&controller, kFirstEntryRegister + 2 * (gsi.raw() - controller.gsi_base)};
        }
    }
    return {nullptr, 0};
}

}  // namespace

void init_io_apics() {
    for (u32 i = 0; i < acpi_facts.io_apic_count; ++i) {
        IoApic& controller = io_apics[io_apic_count++];
        controller.address = acpi_facts.io_apics[i].address;
        controller.gsi_base = acpi_facts.io_apics[i].gsi_base;
        controller.select = machine_pointer<u32>(controller.address);
        controller.window = machine_pointer<u32>(controller.address + 0x10);
        controller.pins = (controller.read(kVersionRegister) >> 16 & 0xff) + 1;
        for (u32 pin = 0; pin < controller.pins; ++pin) controller.write(kFirstEntryRegister + 2 * pin, kMasked);
    }
}

u32 gsi_count() {
    u32 count = 0;
    for (u32 i = 0; i < io_apic_count; ++i) count = std::max(count, io_apics[i].gsi_base + io_apics[i].pins);
    return count;
}

void route_gsi(Gsi gsi, GsiRoute const& route) {
    Pin const pin = pin_of(gsi);
    if (pin.controller == nullptr) return;
    u32 low = route.vector.raw();
    if (route.is_active_low) low |= kActiveLow;
    if (route.is_level) low |= kLevel;
    pin.controller->write(pin.entry_register, low | kMasked);  // no half-written route is ever live
    pin.controller->write(pin.entry_register + 1, route.target.raw() << 24);
    if (!route.is_masked) pin.controller->write(pin.entry_register, low);
}

void mask_gsi(Gsi gsi, bool masked) {
    Pin const pin = pin_of(gsi);
    if (pin.controller == nullptr) return;
    u32 const low = pin.controller->read(pin.entry_register);
    pin.controller->write(pin.entry_register, masked ? low | kMasked : low & ~kMasked);
}

Result<u32> read_io_apic(MachineAddress base, u32 index) {
    for (u32 i = 0; i < io_apic_count; ++i) {
        if (io_apics[i].address == base) return io_apics[i].read(index);
    }
    return Errno::invalid;
}

}  // namespace hospes
