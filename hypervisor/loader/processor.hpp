// SPDX-License-Identifier: Apache-2.0
//
// The processor's state around the jump to the core.
#pragma once

#include "outcome.hpp"

namespace hospes::loader {

/// CR4 in the core's first instructions: PAE, OSFXSR, OSXMMEXCPT and nothing else (SDM volume 3, 2.5).
inline constexpr uint64_t kCoreCr4 = 1 << 5 | 1 << 9 | 1 << 10;

/// CR0 there: PE, MP, ET, NE, WP, PG.
inline constexpr uint64_t kCoreCr0 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | uint64_t{1} << 31;

/// Errors: no NX, or the firmware runs on 5-level paging, which the loader cannot leave in long mode.
Outcome<Done> check_processor();

/// Whether page tables may map 1 GiB pages.
[[nodiscard]] bool processor_has_huge_pages();

/// Sets EFER.NXE.
void enable_no_execute();

}  // namespace hospes::loader
