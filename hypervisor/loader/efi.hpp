// SPDX-License-Identifier: Apache-2.0
//
// GNU-EFI's declarations, for C++, and what every part of the loader needs of the firmware.
#pragma once

#define GNU_EFI_USE_MS_ABI 1
extern "C" {
#include <efi.h>
}

#include "outcome.hpp"

namespace hospes::loader {

/// Handed down instead of globals: who we are, and the firmware's services.
struct Efi {
  EFI_HANDLE image;
  EFI_SYSTEM_TABLE* system;
  EFI_BOOT_SERVICES* boot;
};

[[nodiscard]] inline bool failed(EFI_STATUS status) { return (status & EFI_ERROR_MASK) != 0; }

/// "not found", "out of resources" ...: the specification's name of a status, for messages.
[[nodiscard]] std::string_view name_of_status(EFI_STATUS status);

/// The interface of `protocol` on `handle`, or nullptr.
template <typename Interface>
[[nodiscard]] Interface* protocol_of(const Efi& efi, EFI_HANDLE handle, EFI_GUID protocol) {
  void* found = nullptr;
  return failed(efi.boot->HandleProtocol(handle, &protocol, &found)) ? nullptr : static_cast<Interface*>(found);
}

[[nodiscard]] inline uint64_t read_tsc() { return __builtin_ia32_rdtsc(); }

}  // namespace hospes::loader
