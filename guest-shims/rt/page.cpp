// SPDX-License-Identifier: Apache-2.0
#include "page.hpp"

#include "console.hpp"
#include "hypercall.hpp"
#include "machine.hpp"
#include "text.hpp"

namespace hospes::guest {
namespace {

constexpr unsigned kArenaPages = 384;
alignas(kPageSize) char arena[kArenaPages][kPageSize];
bool arena_used[kArenaPages];

void *take_page() {
    for (unsigned i = 0; i < kArenaPages; ++i) {
        if (arena_used[i]) continue;
        arena_used[i] = true;
        memset(arena[i], 0, kPageSize);
        return arena[i];
    }
    printk("rt: the page arena is used up\n");
    shutdown(SHUTDOWN_crash);
}

}  // namespace

Mfn current_root() {
    u64 cr3 = 0;
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    return Mfn{cr3 >> kPageShift};
}

u64 entry_address(u64 va) {
    static const Mfn boot_root = mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base));
    Mfn table = boot_root;
    for (unsigned level = 4; level > 1; --level) {
        const u64 value = static_cast<const u64 *>(address_of_mfn(table))[table_index(va, level)];
        if ((value & kPresent) == 0) return 0;
        table = entry_mfn(value);
    }
    return maddr(table, table_index(va, 1) * 8);
}

u64 entry_of(u64 va) {
    const u64 at = entry_address(va);
    if (at == 0) return 0;
    const auto *table = static_cast<const u64 *>(address_of_mfn(Mfn{at >> kPageShift}));
    return __atomic_load_n(&table[(at & (kPageSize - 1)) / 8], __ATOMIC_RELAXED);
}

Page::Page() : data_(take_page()), mfn_(mfn_of_address(data_)) {}

Page::~Page() {
    const long result = make_writable();
    if (result != 0) {
        printk("rt: page mfn %lx cannot be made writable again (%ld): left out of use\n", raw(mfn_), result);
        return;
    }
    arena_used[(va() - address_of(&arena[0][0])) / kPageSize] = false;
}

long Page::make_read_only() const { return hv::update_va_mapping(va(), entry(mfn_, kReadOnlyPage)); }
long Page::make_writable() const { return hv::update_va_mapping(va(), entry(mfn_, kWritablePage)); }

unsigned free_pages() {
    unsigned count = 0;
    for (const bool used : arena_used) count += used ? 0 : 1;
    return count;
}

Window::Window(unsigned l4_slot) {
    base_ = (l4_slot < 256 ? 0 : 0xffff000000000000) | (static_cast<u64>(l4_slot) << 39);
    root_slot_ = maddr(mfn_of_address(reinterpret_cast<const void *>(start_info().pt_base)), l4_slot * 8);
    l3[0] = entry(l2.mfn(), kTableEntry);
    l2[0] = entry(l1.mfn(), kTableEntry);
    usable_ = l1.make_read_only() == 0 && l2.make_read_only() == 0 && l3.make_read_only() == 0 &&
              hv::mmu_update_one(root_slot_, entry(l3.mfn(), kTableEntry)) == 0;
    if (!usable_) printk("rt: the window at L4 slot %u could not be set up\n", l4_slot);
}

Window::~Window() {
    if (hv::mmu_update_one(root_slot_, 0) != 0) printk("rt: the window could not be taken out of the root\n");
    static_cast<void>(hv::mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0));
}

long Window::map(unsigned page, u64 value) const { return hv::update_va_mapping(va(page), value); }

}  // namespace hospes::guest
