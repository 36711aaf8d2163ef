// SPDX-License-Identifier: Apache-2.0
//
// The contract between the UEFI loader (hospes.efi) and the core (core.elf).
//
// The loader leaves boot services and enters core.elf's e_entry, on the boot processor, with
//   RDI  direct-map virtual address of a Handoff; the other general registers are zero
//   RSP  top of a boot stack of kBootStackBytes, in the direct map, with a zero return address pushed: at entry RSP % 16 == 8
//        as after a CALL, so that e_entry may be an ordinary C function
//   IF   clear; DF clear; EFER.LME, EFER.NXE set; CR0 = PE|MP|ET|NE|WP|PG; CR4 = PAE|OSFXSR|OSXMMEXCPT
//   CR3  page tables of the loader (LoaderUse::page_tables), which hold no global entry and map
//          kDirectMapBase    [0, direct_map_bytes) of machine memory, RW, NX, supervisor, 1 GiB or 2 MiB pages
//          kCoreVirtualBase  the core image, 4 KiB pages, each with exactly the R/W/X rights of its segment
//          L4 slot 0         an identity map of the page the jump runs in and nothing else, RX: drop it once in the core
//   GDTR, IDTR, TR and the segment registers are the firmware's and are not mapped: load your own before anything else.
//
// Every pointer in here is a machine address: read it at kDirectMapBase + address.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace hospes {

/// Where core.elf is linked: a static ELF64 whose PT_LOADs lie in [kCoreVirtualBase + kCoreFirstOffset,
/// kCoreVirtualBase + kCoreLimitOffset), each page in one segment only, none both writable and executable.
inline constexpr uint64_t kCoreVirtualBase = 0xffff82d080000000;
inline constexpr uint64_t kCoreFirstOffset = uint64_t{2} << 20;
inline constexpr uint64_t kCoreLimitOffset = uint64_t{16} << 20;

/// All machine memory, linearly (L4 slot 262 on).
inline constexpr uint64_t kDirectMapBase = 0xffff830000000000;

inline constexpr uint64_t kBootStackBytes = uint64_t{64} << 10;
inline constexpr uint64_t kHandoffPageBytes = 4096;

inline constexpr uint64_t kHandoffMagic = 0x31534550534f48ab;  // "\xabHOSPES1"
inline constexpr uint32_t kHandoffVersion = 1;

/// The memory types of the UEFI specification (7.2, EFI_MEMORY_TYPE) that MemoryRange::efi_type holds.
enum class EfiMemoryType : uint32_t {
  reserved = 0,
  loader_code = 1,
  loader_data = 2,
  boot_services_code = 3,
  boot_services_data = 4,
  runtime_services_code = 5,
  runtime_services_data = 6,
  conventional = 7,
  unusable = 8,
  acpi_reclaim = 9,
  acpi_nvs = 10,
  mapped_io = 11,
  mapped_io_port_space = 12,
  pal_code = 13,
  persistent = 14,
};

/// EFI_MEMORY_RUNTIME: firmware runtime services need this range mapped.
inline constexpr uint64_t kEfiMemoryRuntime = uint64_t{1} << 63;

/// One range of the machine's memory map as it was when boot services ended. Sorted by start, no overlaps; neighbours
/// of equal type and attributes are merged.
struct MemoryRange {
  uint64_t start;       ///< machine address, a multiple of 4 KiB
  uint64_t pages;       ///< of 4 KiB, never 0
  uint64_t attributes;  ///< EFI_MEMORY_* bits
  EfiMemoryType efi_type;
  uint32_t reserved;
};
static_assert(sizeof(MemoryRange) == 32);
static_assert(offsetof(MemoryRange, pages) == 8);
static_assert(offsetof(MemoryRange, attributes) == 16);
static_assert(offsetof(MemoryRange, efi_type) == 24);

/// What the loader keeps in a range of memory. All of these lie inside `loader_data` ranges of the memory map; the
/// rest of loader_code, loader_data, boot_services_* and conventional memory is free when the core starts.
enum class LoaderUse : uint32_t {
  core_image = 1,   ///< physically contiguous, 2 MiB aligned; its first byte is kCoreVirtualBase + kCoreFirstOffset
  page_tables = 2,  ///< the tables in CR3
  handoff = 3,      ///< the Handoff, its arrays and strings
  boot_stack = 4,   ///< kBootStackBytes
  dom0_kernel = 5,  ///< the unpacked ELF image
  dom0_ramdisk = 6,
};

/// A range the loader used, page aligned. Sorted by start.
struct LoaderRange {
  uint64_t start;  ///< machine address
  uint64_t pages;
  LoaderUse use;
  uint32_t reserved;
};
static_assert(sizeof(LoaderRange) == 24);
static_assert(offsetof(LoaderRange, pages) == 8);
static_assert(offsetof(LoaderRange, use) == 16);

/// Bytes somewhere in machine memory. `size` 0 means there are none.
struct MachineBytes {
  uint64_t address;
  uint64_t size;
};
static_assert(sizeof(MachineBytes) == 16);
static_assert(offsetof(MachineBytes, size) == 8);

/// A NUL-terminated string; `length` does not count the NUL. Always present, perhaps empty.
struct MachineString {
  uint64_t address;
  uint64_t length;
};
static_assert(sizeof(MachineString) == 16);
static_assert(offsetof(MachineString, length) == 8);

/// EFI_GRAPHICS_PIXEL_FORMAT of the firmware's graphics mode; the masks of Framebuffer are filled in for every kind but `none`.
enum class PixelFormat : uint32_t {
  rgbx8888 = 0,  ///< bytes in memory: red, green, blue, unused
  bgrx8888 = 1,
  bit_mask = 2,
  none = 3,  ///< no linear framebuffer: the other fields are 0
};

/// The graphics mode (GOP) in effect when boot services ended.
struct Framebuffer {
  uint64_t base;  ///< machine address
  uint64_t bytes;
  uint32_t width;   ///< pixels
  uint32_t height;  ///< pixels
  uint32_t pixels_per_line;
  PixelFormat format;
  uint32_t red_mask;  ///< bits of a 32-bit pixel
  uint32_t green_mask;
  uint32_t blue_mask;
  uint32_t unused_mask;
};
static_assert(sizeof(Framebuffer) == 48);
static_assert(offsetof(Framebuffer, width) == 16);
static_assert(offsetof(Framebuffer, format) == 28);
static_assert(offsetof(Framebuffer, unused_mask) == 44);

/// The firmware, for runtime services and for what dom0 asks about it (XENPF_firmware_info).
struct Firmware {
  uint64_t system_table;    ///< EFI_SYSTEM_TABLE
  uint64_t config_table;    ///< array of EFI_CONFIGURATION_TABLE
  uint64_t config_entries;  ///< in that array
  uint64_t vendor;          ///< UCS-2, NUL-terminated
  uint32_t revision;        ///< firmware vendor's
  uint32_t efi_revision;    ///< of the UEFI specification: major << 16 | minor
  uint64_t acpi_rsdp;       ///< ACPI 2.0 one if there is one, else ACPI 1.0's; 0 without ACPI
};
static_assert(sizeof(Firmware) == 48);
static_assert(offsetof(Firmware, config_entries) == 16);
static_assert(offsetof(Firmware, vendor) == 24);
static_assert(offsetof(Firmware, revision) == 32);
static_assert(offsetof(Firmware, acpi_rsdp) == 40);

struct Handoff {
  uint64_t magic;    ///< kHandoffMagic
  uint32_t version;  ///< kHandoffVersion
  uint32_t size;     ///< sizeof(Handoff)

  uint64_t memory_map;  ///< array of MemoryRange
  uint64_t memory_map_entries;
  uint64_t loader_ranges;  ///< array of LoaderRange
  uint64_t loader_range_entries;
  uint64_t direct_map_bytes;  ///< machine memory mapped at kDirectMapBase: at least 4 GiB and all RAM

  MachineBytes core_image;    ///< from kCoreVirtualBase + kCoreFirstOffset on, bss included, whole pages
  MachineBytes dom0_kernel;   ///< an ELF64 x86-64 image whose program headers were checked to lie within it
  MachineBytes dom0_ramdisk;  ///< size 0: hospes.cfg names none

  MachineString options;       ///< the core's: "key=value key=value", all of hospes.cfg that is not the loader's own
  MachineString dom0_command;  ///< dom0 kernel's command line, at most 1023 characters

  Firmware firmware;
  Framebuffer framebuffer;

  uint64_t tsc_at_entry;  ///< time stamp counter when the loader started
  uint64_t tsc_at_exit;   ///< just before the jump
};
static_assert(offsetof(Handoff, version) == 8);
static_assert(offsetof(Handoff, size) == 12);
static_assert(offsetof(Handoff, memory_map) == 16);
static_assert(offsetof(Handoff, loader_ranges) == 32);
static_assert(offsetof(Handoff, direct_map_bytes) == 48);
static_assert(offsetof(Handoff, core_image) == 56);
static_assert(offsetof(Handoff, dom0_kernel) == 72);
static_assert(offsetof(Handoff, dom0_ramdisk) == 88);
static_assert(offsetof(Handoff, options) == 104);
static_assert(offsetof(Handoff, dom0_command) == 120);
static_assert(offsetof(Handoff, firmware) == 136);
static_assert(offsetof(Handoff, framebuffer) == 184);
static_assert(offsetof(Handoff, tsc_at_entry) == 232);
static_assert(offsetof(Handoff, tsc_at_exit) == 240);
static_assert(sizeof(Handoff) == 248);

}  // namespace hospes
