// SPDX-License-Identifier: Apache-2.0
// GNTTABOP_copy: bytes between two frames, each the caller's own or granted to it, without mapping them.
#pragma once

#include "hypervisor/core/grant/grant_table.hpp"

namespace hospes {

class Vcpu;

struct GrantCopyEnd {
    bool is_grant;   // `frame_or_ref` is a grant of `domain`; otherwise a frame of the caller, and `domain` DOMID_SELF
    u64 frame_or_ref;
    DomId domain;
    u16 offset;
};

// Copies `size` bytes. Neither end may cross its page.
GrantStatus copy_grant(Vcpu& caller, GrantCopyEnd const& source, GrantCopyEnd const& destination, u16 size);

}  // namespace hospes
