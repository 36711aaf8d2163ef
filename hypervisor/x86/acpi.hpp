// SPDX-License-Identifier: Apache-2.0
// ACPI tables (ACPI 6.4, chapter 5): the static ones the core reads. It interprets no AML; dom0 does.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

struct [[gnu::packed]] AcpiRsdp {
    char signature[8];  // "RSD PTR "
    u8 checksum;
    char oem[6];
    u8 revision;  // 2: has the fields below `rsdt`
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 extended_checksum;
    u8 reserved[3];
};
static_assert(sizeof(AcpiRsdp) == 36);

struct [[gnu::packed]] AcpiHeader {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
};
static_assert(sizeof(AcpiHeader) == 36);

// MADT ("APIC"): 8 bytes of local APIC address and flags follow the header, then entries of {type, length}.
inline constexpr u32 kMadtEntries = sizeof(AcpiHeader) + 8;
inline constexpr u8 kMadtLocalApic = 0;
inline constexpr u8 kMadtIoApic = 1;
inline constexpr u8 kMadtOverride = 2;
inline constexpr u8 kMadtLocalX2Apic = 9;
inline constexpr u32 kMadtProcessorEnabled = 1;

struct [[gnu::packed]] MadtLocalApic {
    u8 type, length, processor, id;
    u32 flags;
};

// For APIC ids that a MadtLocalApic has no room for.
struct [[gnu::packed]] MadtLocalX2Apic {
    u8 type, length;
    u16 reserved;
    u32 id, flags, processor;
};

struct [[gnu::packed]] MadtIoApic {
    u8 type, length, id, reserved;
    u32 address, gsi_base;
};

struct [[gnu::packed]] MadtOverride {
    u8 type, length, bus, irq;
    u32 gsi;
    u16 flags;  // bits 0-1 polarity (3: low), 2-3 trigger (3: level)
};

// MCFG: 8 reserved bytes follow the header, then these.
inline constexpr u32 kMcfgEntries = sizeof(AcpiHeader) + 8;
struct [[gnu::packed]] McfgEntry {
    u64 base;
    u16 segment;
    u8 first_bus, last_bus;
    u32 reserved;
};

// Offsets in the FADT ("FACP").
inline constexpr u32 kFadtDsdt = 40;
inline constexpr u32 kFadtPm1aControl = 64;
inline constexpr u32 kFadtPm1bControl = 68;
inline constexpr u32 kFadtFlags = 112;
inline constexpr u32 kFadtResetRegister = 116;  // generic address: space id (1 byte; 1: port), 3 bytes, 8 bytes address
inline constexpr u32 kFadtResetValue = 128;
inline constexpr u32 kFadtResetSupported = 1u << 10;

}  // namespace hospes
