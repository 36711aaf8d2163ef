// SPDX-License-Identifier: Apache-2.0
//
// What the hand-off tells about the firmware and its screen.
#pragma once

#include "efi.hpp"
#include "hypervisor/abi/handoff.hpp"

namespace hospes::loader {

[[nodiscard]] Firmware describe_firmware(const Efi& efi);
[[nodiscard]] Framebuffer describe_framebuffer(const Efi& efi);

}  // namespace hospes::loader
