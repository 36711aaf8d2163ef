// SPDX-License-Identifier: Apache-2.0
// Pieces of a grant copy as gntdev takes them (IOCTL_GNTDEV_GRANT_COPY, xen/sys/gntdev.h).
#pragma once

#include "dom0-tools/ports/grant.hpp"
#include "dom0-tools/ports/granted_memory.hpp"

#include <cstdint>
#include <span>
#include <vector>

extern "C" {
#include <xen/xen.h>
#include <xen/sys/gntdev.h>
#include <xen/grant_table.h>
}

namespace hospes {

class CopySegments {
public:
    // What lies in `own` is named by its grant, one segment for each page of it.
    void assign(std::span<GrantCopy const> pieces, GrantedMemory const& own);
    std::span<ioctl_gntdev_grant_copy_segment> segments() { return std::span{room_}.first(count_); }
    // Hands the statuses on to the pieces that were assigned: the first bad one counts.
    void tell(std::span<GrantCopy> pieces) const;

private:
    std::vector<ioctl_gntdev_grant_copy_segment> room_;  // kept between calls: copying is the hot path
    std::size_t count_ = 0;
};

}  // namespace hospes
