// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/base/types.hpp"

#include <cstddef>
#include <span>

namespace hospes::control {

/// Fills a kernel's hypercall page: 32 bytes a hypercall number, code that makes this hypercall.
/// Source: the page's layout is Xen's ABI (xen/arch-x86/xen-x86_64.h: rcx and r11 are lost by SYSCALL, iret never returns).
void fill_hypercall_page(std::span<std::byte, kPageSize> page);

}  // namespace hospes::control
