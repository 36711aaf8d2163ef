// SPDX-License-Identifier: Apache-2.0
// Grants of this domain to itself: the work is that between two domains.
#include "measure.hpp"

namespace hospes::guest {
namespace {

constexpr GrantRef kRef{20};

/// This domain's own number: a channel to itself names it.
u16 own_domain() {
    EventPort near{}, far{};
    if (alloc_unbound(DOMID_SELF, DOMID_SELF, near) != 0 || bind_interdomain(DOMID_SELF, near, far) != 0) return DOMID_INVALID;
    evtchn_status_t status{};
    status.dom = DOMID_SELF;
    status.port = raw(near);
    const long result = hv::event_channel_op(EVTCHNOP_status, &status);
    static_cast<void>(close_port(far));
    static_cast<void>(close_port(near));
    clear_pending(far);
    return result == 0 ? status.u.interdomain.dom : static_cast<u16>(DOMID_INVALID);
}

}  // namespace

void bench_grants() {
    const Window window;
    const Page page, other;
    const u16 self = own_domain();
    if (!window.usable() || grants_init() != 0 || self == DOMID_INVALID) return;
    grant_access(kRef, self, page.mfn(), false);
    measure("grant_map_unmap", [&] {
        u32 handle = 0;
        static_cast<void>(map_grant(self, kRef, window.va(2), GNTMAP_host_map, handle));
        static_cast<void>(unmap_grant(handle, window.va(2)));
    });
    measure("grant_copy_4k", [&] {
        gnttab_copy_t copy{};
        copy.source.u.ref = raw(kRef);
        copy.source.domid = self;
        copy.dest.u.gmfn = raw(other.mfn());
        copy.dest.domid = DOMID_SELF;
        copy.len = kPageSize;
        copy.flags = GNTCOPY_source_gref;
        static_cast<void>(hv::grant_table_op(GNTTABOP_copy, &copy, 1));
    });
    static_cast<void>(end_access(kRef));
}

}  // namespace hospes::guest
