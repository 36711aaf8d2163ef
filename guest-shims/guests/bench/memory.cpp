// SPDX-License-Identifier: Apache-2.0
// Page tables. Every update changes what is mapped: a page appears or goes, or its rights change.
#include "measure.hpp"

namespace hospes::guest {
namespace {

constexpr unsigned kBatch = 32;

void bench_updates(const Window &window, const Page &page) {
    const u64 writable = entry(page.mfn(), kWritablePage), read_only = entry(page.mfn(), kReadOnlyPage);
    measure("pt_update_va", [&] {
        static_cast<void>(window.map(0, writable));
        static_cast<void>(window.map(0, 0));
    }, 2);
    measure("pt_update_va_rights", [&] {
        static_cast<void>(hv::update_va_mapping(window.va(0), read_only, UVMF_NONE));
        static_cast<void>(hv::update_va_mapping(window.va(0), writable, UVMF_NONE));
    }, 2);
    measure("pt_update", [&] {
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), 0));
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), writable));
    }, 2);
    measure("pt_update_rights", [&] {
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), read_only));
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), writable));
    }, 2);
    measure("pt_update_bits", [&] {
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), writable | kAvailable));
        static_cast<void>(hv::mmu_update_one(window.l1.slot(0), writable));
    }, 2);
    measure("pt_write_emulated", [&] {
        *const_cast<volatile u64 *>(&window.l1[0]) = 0;
        *const_cast<volatile u64 *>(&window.l1[0]) = writable;
    }, 2);
    static_cast<void>(window.map(0, 0));
}

void bench_batch(const Window &window, const Page &page) {
    mmu_update_t batch[kBatch];
    for (unsigned i = 0; i < kBatch; ++i) batch[i] = {window.l1.slot(i / 2), i % 2 != 0 ? 0 : entry(page.mfn(), kWritablePage)};
    measure("pt_update_batch_32", [&] { static_cast<void>(hv::mmu_update(batch, kBatch)); });
}

}  // namespace

void bench_memory() {
    const Window window;
    const Page page, table;
    if (!window.usable()) return;
    bench_updates(window, page);
    bench_batch(window, page);
    measure("tlb_flush_local", [] { static_cast<void>(hv::mmuext_linear(MMUEXT_TLB_FLUSH_LOCAL, 0)); });
    measure("invlpg_local", [&] { static_cast<void>(hv::mmuext_linear(MMUEXT_INVLPG_LOCAL, window.va(0))); });
    const Mfn root = current_root();
    measure("new_baseptr", [root] { static_cast<void>(hv::mmuext_mfn(MMUEXT_NEW_BASEPTR, root)); });
    measure("cr3_read", [] { static_cast<void>(current_root()); });
    if (table.make_read_only() != 0) return;
    measure("pin_unpin_l1", [&] {
        static_cast<void>(hv::mmuext_mfn(MMUEXT_PIN_L1_TABLE, table.mfn()));
        static_cast<void>(hv::mmuext_mfn(MMUEXT_UNPIN_TABLE, table.mfn()));
    });
}

}  // namespace hospes::guest
