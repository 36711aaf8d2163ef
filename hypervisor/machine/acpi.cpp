// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/acpi.hpp"

#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/acpi.hpp"

#include <cstring>
#include <string_view>

namespace hospes {

constinit AcpiFacts acpi_facts{};

namespace {

template <typename T>
T read_at(u8 const* table, u64 offset) {
    T value;
    std::memcpy(&value, table + offset, sizeof value);
    return value;
}

void add_processor(u32 id, u32 acpi_id, u32 flags) {
    if ((flags & kMadtProcessorEnabled) == 0 || acpi_facts.processor_count == acpi_facts.processors.size()) return;
    acpi_facts.processors[acpi_facts.processor_count++] = {ApicId{id}, acpi_id};
}

void read_madt(u8 const* table, u32 length) {
    for (u32 at = kMadtEntries; at + 2 <= length && table[at + 1] >= 2; at += table[at + 1]) {
        if (at + table[at + 1] > length) return;
        if (table[at] == kMadtLocalApic) {
            auto const entry = read_at<MadtLocalApic>(table, at);
            add_processor(entry.id, entry.processor, entry.flags);
        } else if (table[at] == kMadtLocalX2Apic) {
            auto const entry = read_at<MadtLocalX2Apic>(table, at);
            add_processor(entry.id, entry.processor, entry.flags);
        } else if (table[at] == kMadtIoApic && acpi_facts.io_apic_count < acpi_facts.io_apics.size()) {
            auto const entry = read_at<MadtIoApic>(table, at);
            acpi_facts.io_apics[acpi_facts.io_apic_count++] = {MachineAddress{entry.address}, entry.gsi_base};
        } else if (table[at] == kMadtOverride && acpi_facts.override_count < acpi_facts.overrides.size()) {
            auto const entry = read_at<MadtOverride>(table, at);
            bool const is_low = (entry.flags & 3) == 3;
            bool const is_level = (entry.flags >> 2 & 3) == 3;
            acpi_facts.overrides[acpi_facts.override_count++] = {entry.irq, Gsi{entry.gsi}, is_level, is_low};
        }
    }
}

void read_mcfg(u8 const* table, u32 length) {
    for (u32 at = kMcfgEntries; at + sizeof(McfgEntry) <= length; at += sizeof(McfgEntry)) {
        auto const entry = read_at<McfgEntry>(table, at);
        if (entry.segment != 0) continue;
        acpi_facts.mmcfg = MachineAddress{entry.base};
        acpi_facts.mmcfg_first_bus = entry.first_bus;
        acpi_facts.mmcfg_last_bus = entry.last_bus;
    }
}

// One element of the _S5_ package: a byte constant with or without prefix (ZeroOp, OneOp, BytePrefix).
u16 take_sleep_type(u8 const*& at) {
    constexpr u8 kBytePrefix = 0x0a;
    if (*at == kBytePrefix) ++at;
    return static_cast<u16>(*at++ & 7);
}

// ACPI wants \_S5_ to be a constant package, so the two sleep types can be found without interpreting AML.
void read_soft_off(MachineAddress dsdt) {
    if (dsdt.raw() == 0) return;
    u8 const* const table = machine_pointer<u8>(dsdt);
    u32 const length = read_at<AcpiHeader>(table, 0).length;
    constexpr u8 kPackage = 0x12;
    for (u32 at = sizeof(AcpiHeader); at + 16 < length; ++at) {
        if (std::memcmp(table + at, "_S5_", 4) != 0 || table[at + 4] != kPackage) continue;
        u8 const* element = table + at + 5;
        element += (*element >> 6) + 1;  // package length
        ++element;                       // number of elements
        acpi_facts.soft_off_a = take_sleep_type(element);
        acpi_facts.soft_off_b = take_sleep_type(element);
        acpi_facts.has_soft_off = true;
        return;
    }
}

void read_fadt(u8 const* table, u32 length) {
    if (length < kFadtResetValue + 1) return;
    acpi_facts.pm1a_control = static_cast<u16>(read_at<u32>(table, kFadtPm1aControl));
    acpi_facts.pm1b_control = static_cast<u16>(read_at<u32>(table, kFadtPm1bControl));
    constexpr u8 kPortSpace = 1;
    bool const resets = (read_at<u32>(table, kFadtFlags) & kFadtResetSupported) != 0;
    if (resets && table[kFadtResetRegister] == kPortSpace) {
        acpi_facts.reset_port = static_cast<u16>(read_at<u64>(table, kFadtResetRegister + 4));
        acpi_facts.reset_value = table[kFadtResetValue];
    }
    read_soft_off(MachineAddress{read_at<u32>(table, kFadtDsdt)});
}

void read_table(MachineAddress address) {
    u8 const* const table = machine_pointer<u8>(address);
    auto const header = read_at<AcpiHeader>(table, 0);
    std::string_view const signature{header.signature, sizeof header.signature};
    if (signature == "APIC") read_madt(table, header.length);
    if (signature == "MCFG") read_mcfg(table, header.length);
    if (signature == "FACP") read_fadt(table, header.length);
}

template <typename Pointer>
void read_root(MachineAddress root) {
    u8 const* const table = machine_pointer<u8>(root);
    u32 const length = read_at<AcpiHeader>(table, 0).length;
    for (u64 at = sizeof(AcpiHeader); at + sizeof(Pointer) <= length; at += sizeof(Pointer)) {
        read_table(MachineAddress{read_at<Pointer>(table, at)});
    }
}

}  // namespace

void read_acpi(MachineAddress rsdp) {
    if (rsdp.raw() == 0) {
        HV_WARN("the firmware has no ACPI tables: no interrupt routing");
        return;
    }
    auto const root = read_at<AcpiRsdp>(machine_pointer<u8>(rsdp), 0);
    if (root.revision >= 2 && root.xsdt != 0) {
        read_root<u64>(MachineAddress{root.xsdt});
    } else {
        read_root<u32>(MachineAddress{root.rsdt});
    }
}

}  // namespace hospes
