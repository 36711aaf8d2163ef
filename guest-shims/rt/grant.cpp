// SPDX-License-Identifier: Apache-2.0
#include "grant.hpp"

#include "hypercall.hpp"
#include "page.hpp"

namespace hospes::guest {
namespace {

alignas(kPageSize) u8 table_page[kPageSize];
bool table_mapped = false;

}  // namespace

long grants_init() {
    if (table_mapped) return 0;
    xen_pfn_t frame = 0;
    gnttab_setup_table_t setup{};
    setup.dom = DOMID_SELF;
    setup.nr_frames = 1;
    setup.frame_list.p = &frame;
    const long result = hv::grant_table_op(GNTTABOP_setup_table, &setup, 1);
    if (result != 0) return result;
    if (setup.status != GNTST_okay) return setup.status;
    const long mapped = hv::update_va_mapping(address_of(table_page), entry(Mfn{frame}, kWritablePage));
    table_mapped = mapped == 0;
    return mapped;
}

volatile grant_entry_v1_t &grant_entry(GrantRef ref) { return reinterpret_cast<volatile grant_entry_v1_t *>(table_page)[raw(ref)]; }

void grant_access(GrantRef ref, u16 domain, Mfn frame, bool read_only) {
    volatile grant_entry_v1_t &grant = grant_entry(ref);
    grant.frame = static_cast<u32>(raw(frame));
    grant.domid = domain;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    grant.flags = static_cast<u16>(GTF_permit_access | (read_only ? GTF_readonly : 0));
}

bool end_access(GrantRef ref) {
    volatile grant_entry_v1_t &grant = grant_entry(ref);
    u16 flags = grant.flags;
    do {
        if ((flags & (GTF_reading | GTF_writing)) != 0) return false;
    } while (!__atomic_compare_exchange_n(&grant.flags, &flags, u16{0}, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return true;
}

i32 map_grant(u16 domain, GrantRef ref, u64 va, u32 flags, u32 &handle) {
    gnttab_map_grant_ref_t map{};
    map.host_addr = va;
    map.flags = flags;
    map.ref = raw(ref);
    map.dom = domain;
    const long result = hv::grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
    if (result != 0) return static_cast<i32>(result);
    if (map.status == GNTST_okay) handle = map.handle;
    return map.status;
}

i32 unmap_grant(u32 handle, u64 va) {
    gnttab_unmap_grant_ref_t unmap{};
    unmap.host_addr = va;
    unmap.handle = handle;
    const long result = hv::grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
    return result != 0 ? static_cast<i32>(result) : unmap.status;
}

}  // namespace hospes::guest
