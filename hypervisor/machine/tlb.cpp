// SPDX-License-Identifier: Apache-2.0
// TLB flushes of the pcpus in use. Global pages are off (CR4.PGE), so loading CR3 flushes everything.
#include "hypervisor/ports/tlb.hpp"

#include "hypervisor/machine/instructions.hpp"

namespace hospes {
namespace {

constinit u64 flush_clock = 1;
constinit u64 last_flush = 0;  // of the one processor in use

}  // namespace

u64 tlb_clock() { return flush_clock; }

void tlb_flush_local() {
    write_cr3(read_cr3());
    last_flush = ++flush_clock;
}

void tlb_flush_older_than(u64 stamp) {
    if (last_flush <= stamp) tlb_flush_local();
}

void tlb_flush_page_local(GuestAddress address) { asm volatile("invlpg (%0)" : : "r"(address.raw()) : "memory"); }

void tlb_flush_mask(PcpuMask pcpus) {
    if (pcpus != 0) tlb_flush_local();
}

void tlb_flush_page_mask(PcpuMask pcpus, GuestAddress address) {
    if (pcpus != 0) tlb_flush_page_local(address);
}

}  // namespace hospes
