// SPDX-License-Identifier: Apache-2.0
// mmu_update (1): a batch of page-table entry changes and machine-to-physical updates.
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_table.hpp"
#include "hypervisor/hypercall/foreign.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/preempt.hpp"

namespace hospes {
namespace {

constexpr u64 kCommandMask = 3;
constexpr u64 kContinued = u64{1} << 31;  // in the count: an earlier part has run, and *done holds its number
constexpr u64 kUpdatesBetweenChecks = 16;

// A word of a frame that is no page table: the guest could write it itself.
Status write_plain_word(Domain& domain, MachineAddress address, u64 value) {
    TypedPage const page = HV_TRY(TypedPage::get(domain.system().page_types, mfn_of(address), domain.id(), PageType::writable));
    __atomic_store_n(machine_pointer<u64>(address), value, __ATOMIC_RELAXED);
    return {};
}

Status update_table(Domain& domain, MachineAddress address, u64 value, DomId owner, bool preserve_ad) {
    Mfn const table = mfn_of(address);
    FrameEntry* const frame = domain.system().frames.find(table);
    if (frame == nullptr) return Errno::invalid;
    if (!is_page_table(PageTypes::type(*frame))) return write_plain_word(domain, address, value);
    EntryPlace const place{table, static_cast<unsigned>(address.page_offset() / sizeof(u64))};
    return update_entry(domain, *frame, place, Pte{value}, {.frame_owner = owner, .preserve_ad = preserve_ad});
}

Status update_m2p(System& system, MachineAddress address, u64 value, DomId owner) {
    Mfn const mfn = mfn_of(address);
    HV_TRY(system.page_types.get_page(mfn, owner));
    set_m2p(mfn, value);
    system.page_types.put_page(mfn);
    return {};
}

Status run_update(Domain& domain, mmu_update_t const& request, DomId owner) {
    MachineAddress const address{request.ptr & ~kCommandMask};
    if (address.raw() % sizeof(u64) != 0) return Errno::invalid;
    switch (request.ptr & kCommandMask) {
        case MMU_NORMAL_PT_UPDATE:
        case MMU_PT_UPDATE_NO_TRANSLATE:
            return update_table(domain, address, request.val, owner, false);
        case MMU_PT_UPDATE_PRESERVE_AD:
            return update_table(domain, address, request.val, owner, true);
        default:
            return update_m2p(domain.system(), address, request.val, owner);
    }
}

}  // namespace

[[gnu::flatten]] Outcome hypercall_mmu_update(Vcpu& caller, HypercallArgs& args) {
    Domain& domain = caller.domain();
    GuestHandle<mmu_update_t> const requests{args[0]};
    GuestHandle<u32> const done_handle{args[2]};
    u64 const count = args[1] & ~kContinued;
    u32 done = 0;
    if ((args[1] & kContinued) != 0 && !done_handle.is_null()) done = HV_TRY(done_handle.read());
    if ((args[3] >> 16) != 0) return Errno::perm;  // page tables of another domain: not offered
    DomId const owner = HV_TRY(frame_owner(caller, DomId{static_cast<u16>(args[3])}));

    u64 i = 0;
    Status status = settle_tables(caller, owner);
    for (; status.ok() && i < count; ++i) {
        if (i % kUpdatesBetweenChecks == 0 && i != 0 && preempt_pending()) {
            status = Errno::restart;
            break;
        }
        mmu_update_t request;
        status = requests.read_into(request, i);
        if (status.ok()) status = run_update(domain, request, owner);
        if (!status.ok()) break;
    }
    if (!done_handle.is_null()) HV_TRY(done_handle.write(done + static_cast<u32>(i)));
    if (status.ok()) return 0;
    if (status.error() == Errno::restart) {
        args[0] = requests.offset(i).address().raw();
        args[1] = (count - i) | kContinued;
    }
    return status.error();
}

}  // namespace hospes
