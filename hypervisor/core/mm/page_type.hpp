// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

// What a frame is used as while its type count is above zero. Never two at once: a frame that anything can write is no page table.
enum class PageType : u8 { none = 0, l1_table = 1, l2_table = 2, l3_table = 3, l4_table = 4, segdesc = 5, writable = 6 };

constexpr bool is_page_table(PageType type) { return type >= PageType::l1_table && type <= PageType::l4_table; }
constexpr unsigned level_of(PageType table) { return static_cast<unsigned>(table); }
constexpr PageType table_type(unsigned level) { return static_cast<PageType>(level); }

}  // namespace hospes
