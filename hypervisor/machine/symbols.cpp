// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/symbols.hpp"

namespace hospes {
namespace {

struct Entry {
    u64 address;
    u64 name;  // offset in core_symbol_names
};

constexpr u64 kLongestFunction = 64 << 10;

}  // namespace

extern "C" u64 const core_symbol_count;
extern "C" Entry const core_symbols[];
extern "C" char const core_symbol_names[];

Symbol find_symbol(u64 address) {
    u64 low = 0;
    u64 high = core_symbol_count;
    while (low < high) {
        u64 const middle = low + (high - low) / 2;
        if (core_symbols[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || address - core_symbols[low - 1].address > kLongestFunction) return {};
    return {core_symbol_names + core_symbols[low - 1].name, address - core_symbols[low - 1].address};
}

}  // namespace hospes
