// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tree/quota.hpp"

#include <algorithm>

namespace hospes::xenstore {

Usage Ledger::of(DomId owner) const {
    auto const row = std::ranges::lower_bound(rows_, owner, {}, &Row::owner);
    return row != rows_.end() && row->owner == owner ? row->usage : Usage{};
}

void Ledger::charge(DomId owner, Usage amount) {
    auto row = std::ranges::lower_bound(rows_, owner, {}, &Row::owner);
    if (row == rows_.end() || row->owner != owner) row = rows_.insert(row, Row{owner, {}});
    row->usage += amount;
    if (row->usage == Usage{}) rows_.erase(row);
}

}  // namespace hospes::xenstore
