// SPDX-License-Identifier: Apache-2.0
// The pages of a ring, as a frontend names them in the store.
#pragma once

#include "dom0-tools/backend/device_nodes.hpp"
#include "dom0-tools/ports/grant.hpp"

#include <array>

namespace hospes::backend {

// Maps the page that `<frontend>/<key>` grants.
inline Result<GrantMapping> map_ring_page(GrantDevice& grants, DeviceNodes const& nodes, std::string_view key) {
    std::array const refs{GrantRef{HV_TRY(nodes.frontend_number(key, UINT32_MAX))}};
    return grants.map(nodes.domain(), refs, Access::read_write);
}

// Maps 2^order pages, in order: `<key>0`, `<key>1` ...; a single page may also be called just `<key>`.
inline Result<GrantMapping> map_ring_pages(GrantDevice& grants, DeviceNodes const& nodes, std::string_view key, std::uint32_t order) {
    if (order == 0 && HV_TRY(nodes.frontend(key))) return map_ring_page(grants, nodes, key);
    std::vector<GrantRef> refs;
    for (std::uint32_t i = 0; i < (1u << order); ++i) refs.push_back(GrantRef{HV_TRY(nodes.frontend_number(fmt::format("{}{}", key, i), UINT32_MAX))});
    return grants.map(nodes.domain(), refs, Access::read_write);
}

}  // namespace hospes::backend
