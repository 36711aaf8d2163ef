// SPDX-License-Identifier: Apache-2.0
//
// Puts the hand-off together, leaves boot services and enters the core.
#pragma once

#include "core_layout.hpp"
#include "hypervisor/abi/handoff.hpp"
#include "pages.hpp"

namespace hospes::loader {

/// All that was loaded for the core. The pages stay the core's once boot services are left.
struct Cargo {
  Pages core;
  uint64_t core_entry = 0;
  ElfImage core_layout;
  Pages kernel;
  uint64_t kernel_bytes = 0;
  Pages ramdisk;  // none: count() is 0
  uint64_t ramdisk_bytes = 0;
  std::string_view core_options;
  std::string_view dom0_command;
  uint64_t tsc_at_entry = 0;
};

/// Leaves boot services and enters the core: returns only if that could not be done.
Problem enter_core(const Efi& efi, const Cargo& cargo);

}  // namespace hospes::loader
