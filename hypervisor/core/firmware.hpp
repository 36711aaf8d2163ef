// SPDX-License-Identifier: Apache-2.0
// What dom0 may ask about the firmware (XENPF_firmware_info).
#pragma once

#include "hypervisor/base/types.hpp"

#include <array>

namespace hospes {

struct FirmwareFacts {
    u64 config_table = 0;  // machine address of the EFI configuration tables: how dom0 finds ACPI and SMBIOS
    u32 config_entries = 0;
    u32 efi_revision = 0;
    u32 vendor_revision = 0;
    std::array<u16, 64> vendor{};  // UCS-2
};

// Written once at boot.
extern constinit FirmwareFacts firmware_facts;

}  // namespace hospes
