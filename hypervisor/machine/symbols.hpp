// SPDX-License-Identifier: Apache-2.0
// Names of the core's functions, for back traces. The table is made by scripts/symbols.py.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

struct Symbol {
    char const* name = nullptr;  // null: no function lies there
    u64 offset = 0;
};

Symbol find_symbol(u64 address);

}  // namespace hospes
