// SPDX-License-Identifier: Apache-2.0
// TLB flushes. Global pages are off (CR4.PGE), so loading CR3 flushes everything. Each pcpu notes the clock of its last flush, as it was
// before that flush began: a translation removed at a stamp below it is gone from there. A pcpu that has given up its address space holds no
// translations, and is not interrupted.
#include "hypervisor/machine/tlb.hpp"

#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/requests.hpp"

namespace hospes {
namespace {

constinit std::atomic<u64> flush_clock{1};

bool is_stale(Pcpu const& pcpu, u64 stamp) { return pcpu.last_flush.load(std::memory_order_acquire) <= stamp; }

// Returns when each of `pcpus` has flushed everything removed at `stamp` or before.
void flush(PcpuMask wanted, u64 stamp) {
    Pcpu& self = this_pcpu();
    for (u32 i = 0; i < pcpu_count; ++i) {
        bool const is_asked = (wanted >> i & 1) != 0 && &pcpus[i] != &self && pcpus[i].is_online.load() && is_stale(pcpus[i], stamp);
        if (is_asked) send_request(pcpus[i], Request::flush_tlb);
    }
    if ((wanted >> self.id.raw() & 1) != 0 && is_stale(self, stamp)) tlb_flush_local();
    for (u32 i = 0; i < pcpu_count; ++i) {
        if ((wanted >> i & 1) == 0 || &pcpus[i] == &self) continue;
        while (pcpus[i].is_online.load() && is_stale(pcpus[i], stamp)) relax_while_waiting();
    }
}

}  // namespace

u64 tlb_clock() { return flush_clock.load(); }

void expect_translations(Pcpu& pcpu) { pcpu.last_flush.store(flush_clock.fetch_add(1) + 1); }

void hold_no_translations(Pcpu& pcpu) { pcpu.last_flush.store(kNoTranslations, std::memory_order_release); }

void tlb_flush_local() {
    u64 const now = flush_clock.fetch_add(1) + 1;
    write_cr3(read_cr3());
    this_pcpu().last_flush.store(now, std::memory_order_release);
}

void tlb_flush_older_than(u64 stamp) { flush(~PcpuMask{0}, stamp); }

void tlb_flush_page_local(GuestAddress address) { asm volatile("invlpg (%0)" : : "r"(address.raw()) : "memory"); }

void tlb_flush_mask(PcpuMask wanted) { flush(wanted, tlb_clock()); }

// Another pcpu flushes everything: that costs it less than being told what not to.
void tlb_flush_page_mask(PcpuMask wanted, GuestAddress address) {
    PcpuMask const self = PcpuMask{1} << this_pcpu().id.raw();
    if ((wanted & self) != 0) tlb_flush_page_local(address);
    if ((wanted & ~self) != 0) flush(wanted & ~self, tlb_clock());
}

}  // namespace hospes
