// SPDX-License-Identifier: Apache-2.0
#include "firmware_facts.hpp"

#include <string.h>

namespace hospes::loader {
namespace {

constexpr EFI_GUID kAcpi20 = ACPI_20_TABLE_GUID;
constexpr EFI_GUID kAcpi10 = ACPI_TABLE_GUID;
constexpr EFI_GUID kGraphicsOutput = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

uint64_t config_table(const EFI_SYSTEM_TABLE* system, const EFI_GUID& guid) {
  for (UINTN i = 0; i < system->NumberOfTableEntries; ++i) {
    const EFI_CONFIGURATION_TABLE& entry = system->ConfigurationTable[i];
    if (memcmp(&entry.VendorGuid, &guid, sizeof(guid)) == 0) {
      return address_of(entry.VendorTable);
    }
  }
  return 0;
}

constexpr uint32_t kFirstByte = 0x000000ff;
constexpr uint32_t kSecondByte = 0x0000ff00;
constexpr uint32_t kThirdByte = 0x00ff0000;
constexpr uint32_t kFourthByte = 0xff000000;

void set_masks(Framebuffer& screen, const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION& info) {
  switch (info.PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
      screen.format = PixelFormat::rgbx8888;
      screen.red_mask = kFirstByte;
      screen.blue_mask = kThirdByte;
      break;
    case PixelBlueGreenRedReserved8BitPerColor:
      screen.format = PixelFormat::bgrx8888;
      screen.red_mask = kThirdByte;
      screen.blue_mask = kFirstByte;
      break;
    default:
      screen.format = PixelFormat::bit_mask;
      screen.red_mask = info.PixelInformation.RedMask;
      screen.green_mask = info.PixelInformation.GreenMask;
      screen.blue_mask = info.PixelInformation.BlueMask;
      screen.unused_mask = info.PixelInformation.ReservedMask;
      return;
  }
  screen.green_mask = kSecondByte;
  screen.unused_mask = kFourthByte;
}

}  // namespace

Firmware describe_firmware(const Efi& efi) {
  const EFI_SYSTEM_TABLE* const system = efi.system;
  const uint64_t acpi20 = config_table(system, kAcpi20);
  return {.system_table = address_of(system),
          .config_table = address_of(system->ConfigurationTable),
          .config_entries = system->NumberOfTableEntries,
          .vendor = address_of(system->FirmwareVendor),
          .revision = system->FirmwareRevision,
          .efi_revision = system->Hdr.Revision,
          .acpi_rsdp = acpi20 != 0 ? acpi20 : config_table(system, kAcpi10)};
}

Framebuffer describe_framebuffer(const Efi& efi) {
  Framebuffer screen{};
  screen.format = PixelFormat::none;
  EFI_GUID guid = kGraphicsOutput;
  void* found = nullptr;
  if (failed(efi.boot->LocateProtocol(&guid, nullptr, &found))) {
    return screen;
  }
  const auto* const mode = static_cast<EFI_GRAPHICS_OUTPUT_PROTOCOL*>(found)->Mode;
  if (mode == nullptr || mode->Info == nullptr || mode->Info->PixelFormat >= PixelBltOnly) {
    return screen;
  }
  screen.base = mode->FrameBufferBase;
  screen.bytes = mode->FrameBufferSize;
  screen.width = mode->Info->HorizontalResolution;
  screen.height = mode->Info->VerticalResolution;
  screen.pixels_per_line = mode->Info->PixelsPerScanLine;
  set_masks(screen, *mode->Info);
  return screen;
}

}  // namespace hospes::loader
