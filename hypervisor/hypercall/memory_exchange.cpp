// SPDX-License-Identifier: Apache-2.0
// XENMEM_exchange: trades frames of the domain for others that are contiguous or lie below an address limit (dom0's DMA buffers).
// Works chunk by chunk; each chunk happens wholly or not at all, and nr_exchanged tells the guest how far it went.
#include "hypervisor/core/domain/memory.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/m2p.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/hypercall/memory_op.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/preempt.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr unsigned kMaxChunkOrder = 9;  // one page of frame numbers

// Frames that belong to this scope until released.
class HeapBlock {
public:
    HeapBlock(Heap& heap, Mfn first, unsigned order) : heap_{heap}, first_{first}, order_{order} {}
    HeapBlock(HeapBlock const&) = delete;
    HeapBlock& operator=(HeapBlock const&) = delete;
    ~HeapBlock() {
        if (first_.is_valid()) heap_.free(first_, order_);
    }
    Mfn first() const { return first_; }
    Mfn release() {
        Mfn const first = first_;
        first_ = Mfn{};
        return first;
    }

private:
    Heap& heap_;
    Mfn first_;
    unsigned order_;
};

struct Exchange {
    Domain& domain;
    GuestHandle<u64> in, out;
    unsigned in_order, out_order, chunk_order;
    unsigned address_bits;

    u64 chunk_frames() const { return u64{1} << chunk_order; }
    u64 in_per_chunk() const { return u64{1} << (chunk_order - in_order); }
    u64 out_per_chunk() const { return u64{1} << (chunk_order - out_order); }
};

// A frame nobody but the domain itself refers to. It loses its "allocated" mark, so that no second exchange can take it, and this
// scope holds its one reference; not taken frames are put back.
class TakenFrames {
public:
    TakenFrames(Domain& domain, u64 const* frames) : domain_{domain}, frames_{frames} {}
    TakenFrames(TakenFrames const&) = delete;
    TakenFrames& operator=(TakenFrames const&) = delete;
    ~TakenFrames() {
        for (u64 i = 0; i < count_; ++i) entry(i).refs.fetch_or(RefWord::Allocated::kMask);
    }

    Status take_next() {
        FrameTable const& table = domain_.system().frames;
        if (!table.is_ram(Mfn{frames_[count_]})) return Errno::invalid;
        u64 const type = entry(count_).type.load();
        if (TypeWord::Count::get(type) != 0 || TypeWord::Progress::get(type) != 0 || TypeWord::Busy::get(type) != 0) return Errno::busy;
        u64 const sole = RefWord::Count::set(RefWord::Owner::set(RefWord::Ram::kMask, domain_.id().raw()), 1);
        u64 expected = sole | RefWord::Allocated::kMask;
        if (!entry(count_).refs.compare_exchange_strong(expected, sole)) return Errno::invalid;
        ++count_;
        return {};
    }

    void free_all() {
        while (count_ > 0) domain_.system().page_types.put_page(Mfn{frames_[--count_]});
    }

private:
    FrameEntry& entry(u64 i) { return domain_.system().frames[Mfn{frames_[i]}]; }

    Domain& domain_;
    u64 const* frames_;
    u64 count_ = 0;
};

// Trades chunk number `chunk`. Nothing has changed on an error.
Status exchange_chunk(Exchange const& x, u64 chunk) {
    Heap& heap = x.domain.system().heap;
    HeapBlock const in_page{heap, HV_TRY(heap.alloc()), 0};
    HeapBlock const out_page{heap, HV_TRY(heap.alloc()), 0};
    u64* const in_frames = frame_pointer<u64>(in_page.first());
    u64* const pfns = frame_pointer<u64>(out_page.first());
    for (u64 i = 0; i < x.in_per_chunk(); ++i) {
        u64 const first = HV_TRY(x.in.read(chunk * x.in_per_chunk() + i));
        for (u64 j = 0; j < u64{1} << x.in_order; ++j) in_frames[(i << x.in_order) + j] = first + j;
    }
    for (u64 i = 0; i < x.out_per_chunk(); ++i) pfns[i] = HV_TRY(x.out.read(chunk * x.out_per_chunk() + i));

    HeapBlock block{heap, HV_TRY(heap.alloc(x.chunk_order, x.address_bits)), x.chunk_order};
    TakenFrames taken{x.domain, in_frames};
    for (u64 i = 0; i < x.chunk_frames(); ++i) HV_TRY(taken.take_next());
    for (u64 i = 0; i < x.out_per_chunk(); ++i) {
        HV_TRY(x.out.write((block.first() + (i << x.out_order)).raw(), chunk * x.out_per_chunk() + i));
    }

    Mfn const first = block.release();
    taken.free_all();
    LockGuard guard{x.domain.lock};
    assign_frames(x.domain, first, x.chunk_frames());
    for (u64 i = 0; i < x.out_per_chunk(); ++i) {
        for (u64 j = 0; j < u64{1} << x.out_order; ++j) set_m2p(first + (i << x.out_order) + j, pfns[i] + j);
    }
    return {};
}

}  // namespace

Outcome memory_exchange(Vcpu& caller, MemoryCall& call) {
    GuestHandle<xen_memory_exchange_t> const handle{call.arg};
    auto request = HV_TRY(handle.read());
    unsigned const chunk_order = std::max(request.in.extent_order, request.out.extent_order);
    u64 const max_extents = (~u64{0} >> MEMOP_EXTENT_SHIFT) >> kMaxChunkOrder;
    if (chunk_order > kMaxChunkOrder || request.in.nr_extents > max_extents || request.out.nr_extents > max_extents) return Errno::invalid;
    if (request.in.nr_extents << request.in.extent_order != request.out.nr_extents << request.out.extent_order) return Errno::invalid;
    if (request.in.domid != request.out.domid || request.nr_exchanged > request.in.nr_extents) return Errno::invalid;
    bool const is_for_devices = chunk_order > 0 || XENMEMF_get_address_bits(request.out.mem_flags) != 0;
    if (is_for_devices && !caller.domain().is_hardware_domain()) return Errno::perm;
    if (HV_TRY(target_domain(caller, DomId{request.in.domid})) != &caller.domain()) return Errno::perm;
    Exchange const x{caller.domain(),
                     GuestHandle<u64>{reinterpret_cast<u64>(request.in.extent_start.p)},
                     GuestHandle<u64>{reinterpret_cast<u64>(request.out.extent_start.p)},
                     request.in.extent_order,
                     request.out.extent_order,
                     chunk_order,
                     XENMEMF_get_address_bits(request.out.mem_flags)};
    if ((request.nr_exchanged & (x.in_per_chunk() - 1)) != 0) return Errno::invalid;

    Status status = x.domain.system().page_types.settle(x.domain);
    while (status.ok() && request.nr_exchanged < request.in.nr_extents) {
        status = exchange_chunk(x, request.nr_exchanged / x.in_per_chunk());
        if (!status.ok()) break;
        request.nr_exchanged += x.in_per_chunk();
        if (request.nr_exchanged < request.in.nr_extents && preempt_pending()) status = Errno::restart;
    }
    HV_TRY(handle.write(request));
    return status.ok() ? Outcome{0} : Outcome{status.error()};
}

}  // namespace hospes
