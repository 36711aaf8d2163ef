// SPDX-License-Identifier: Apache-2.0
// INIT, then two start-up IPIs (SDM vol. 3, 8.4.4), one processor after the other.
#include "hypervisor/machine/ap_start.hpp"

#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/hypervisor_slots.hpp"
#include "hypervisor/machine/acpi.hpp"
#include "hypervisor/machine/context_switch.hpp"
#include "hypervisor/machine/cpu_init.hpp"
#include "hypervisor/machine/exit.hpp"
#include "hypervisor/machine/exit_hooks.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/pcpu_area.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/pte.hpp"

#include <bit>
#include <cstring>

extern "C" {
extern unsigned char const ap_start_code[], ap_start_end[];
extern unsigned char const ap_start_gdt_address[], ap_start_far[], ap_start_root[], ap_start_stack[], ap_start_argument[], ap_start_function[];
}

namespace hospes {
namespace {

constexpr Nanoseconds kAfterInit = Nanoseconds::from_ms(10);
constexpr Nanoseconds kAfterFirstStart{200'000};
constexpr Nanoseconds kPatience = Nanoseconds::from_ms(1000);

constexpr u32 kTscRounds = 64;

// A new processor is asked for its TSC again and again; each answer must lie between two readings of who asks.
class TscComparison {
public:
    // The new processor's part; false: its TSC differs, and so would its clock.
    bool answer() {
        has_arrived_.store(true);
        for (u32 round = 1; round <= kTscRounds; ++round) {
            while (asked_.load() != round) __builtin_ia32_pause();
            tsc_ = rdtsc();
            answered_.store(round);
        }
        while (verdict_.load() == Verdict::none) __builtin_ia32_pause();
        return verdict_.load() == Verdict::same;
    }

    bool has_arrived() const { return has_arrived_.load(); }
    // The boot processor's part, once the other has arrived.
    bool ask() {
        bool is_same = true;
        for (u32 round = 1; round <= kTscRounds; ++round) {
            u64 const before = rdtsc();
            asked_.store(round);
            while (answered_.load() != round) __builtin_ia32_pause();
            is_same = is_same && before <= tsc_ && tsc_ <= rdtsc();
        }
        verdict_.store(is_same ? Verdict::same : Verdict::different);
        return is_same;
    }
    void forget() {
        has_arrived_ = false;
        asked_ = answered_ = 0;
        verdict_ = Verdict::none;
    }

private:
    enum class Verdict : u8 { none, same, different };

    std::atomic<bool> has_arrived_{false};
    std::atomic<u32> asked_{0}, answered_{0};
    u64 tsc_ = 0;  // published by answered_
    std::atomic<Verdict> verdict_{Verdict::none};
};

constinit TscComparison tsc_comparison;

void wait(Nanoseconds duration) {
    Nanoseconds const end = system_time() + duration;
    while (system_time() < end) __builtin_ia32_pause();
}

// The code page and its tables, as they lie in low memory.
class StartPage {
public:
    explicit StartPage(Mfn first) : first_{first} {
        std::memcpy(frame_pointer(first), ap_start_code, static_cast<usize>(ap_start_end - ap_start_code));
        u32 const base = static_cast<u32>(maddr_of(first).raw());
        add(ap_start_gdt_address, base);
        add(ap_start_far, base);
        set(ap_start_root, maddr_of(first + 1).raw());
        set(ap_start_function, reinterpret_cast<u64>(&StartPage::arrive));
        build_tables();
    }

    void aim_at(Pcpu& pcpu) {
        set(ap_start_stack, pcpu.stack_top());
        set(ap_start_argument, reinterpret_cast<u64>(&pcpu));
    }

    u8 vector() const { return static_cast<u8>(first_.raw()); }  // a start-up IPI carries the page number

private:
    [[noreturn]] static void arrive(Pcpu* pcpu) {
        if (!tsc_comparison.answer()) halt_forever();
        init_started_cpu(*pcpu);
        on_pcpu_online();
        exit_to_guest();
    }

    u8* at(unsigned char const* label) { return frame_pointer<u8>(first_) + (label - ap_start_code); }
    void set(unsigned char const* label, u64 value) { std::memcpy(at(label), &value, sizeof value); }
    void add(unsigned char const* label, u32 base) {
        u32 offset = 0;
        std::memcpy(&offset, at(label), sizeof offset);
        offset += base;
        std::memcpy(at(label), &offset, sizeof offset);
    }

    // The first 2 MiB, and the core's slots.
    void build_tables() {
        constexpr u64 kTable = Pte::kPresent | Pte::kWritable | Pte::kAccessed;
        u64* const l4 = frame_pointer<u64>(first_ + 1);
        u64* const l3 = frame_pointer<u64>(first_ + 2);
        u64* const l2 = frame_pointer<u64>(first_ + 3);
        for (u64* const table : {l4, l3, l2}) std::memset(table, 0, kPageSize);
        l4[0] = Pte::make(first_ + 2, kTable).raw();
        l3[0] = Pte::make(first_ + 3, kTable).raw();
        l2[0] = Pte::make(Mfn{0}, Pte::kPresent | Pte::kAccessed | Pte::kPageSizeOrPat).raw();
        for (unsigned i = 0; i < kHypervisorSlots; ++i) l4[kFirstHypervisorSlot + i] = hypervisor_slots[i];
    }

    Mfn first_;
};

// Stack and area of the next pcpu; null without memory.
Pcpu* prepare_pcpu(Heap& heap, ProcessorFact const& processor) {
    constexpr unsigned kStackOrder = std::bit_width(kStackBlockBytes / kPageSize) - 1;
    auto const stack = heap.alloc(kStackOrder);
    if (!stack.ok()) return nullptr;
    auto const area = heap.alloc(kAreaPagesOrder);
    if (!area.ok()) {
        heap.free(stack.value(), kStackOrder);
        return nullptr;
    }
    Pcpu& pcpu = pcpus[pcpu_count];
    pcpu.id = PcpuId{pcpu_count};
    pcpu.apic_id = processor.id;
    pcpu.acpi_id = processor.acpi_id;
    pcpu.stack_block = frame_pointer<u8>(stack.value());
    build_pcpu_area(pcpu, frame_pointer(area.value()));
    pcpu.loaded_root = idle_root;
    return &pcpu;
}

// Waits for `condition` as long as a processor may take; false: in vain.
template <typename Condition>
bool has_patience_for(Condition condition) {
    Nanoseconds const end = system_time() + kPatience;
    while (!condition() && system_time() < end) relax_while_waiting();
    return condition();
}

bool start(Pcpu& pcpu, StartPage& page) {
    auto const has_arrived = [] { return tsc_comparison.has_arrived(); };
    page.aim_at(pcpu);
    tsc_comparison.forget();
    send_init(pcpu.apic_id);
    wait(kAfterInit);
    send_start_up(pcpu.apic_id, page.vector());
    wait(kAfterFirstStart);
    if (!has_arrived()) send_start_up(pcpu.apic_id, page.vector());
    if (!has_patience_for(has_arrived)) {
        HV_WARN("the processor with APIC id %u does not start", pcpu.apic_id.raw());
        return false;
    }
    if (!tsc_comparison.ask()) {
        HV_WARN("the processor with APIC id %u has another time stamp counter than the first: its clock would be wrong, it stays halted",
                pcpu.apic_id.raw());
        return false;
    }
    return has_patience_for([&] { return pcpu.is_online.load(); });
}

}  // namespace

void start_other_pcpus(Heap& heap, Mfn low_memory, u32 limit) {
    if (!low_memory.is_valid()) {
        HV_WARN("no free page below 1 MiB: the other processors stay parked");
        return;
    }
    StartPage page{low_memory};
    for (u32 i = 0; i < acpi_facts.processor_count && pcpu_count < std::min(limit, kMaxPcpus); ++i) {
        ProcessorFact const& processor = acpi_facts.processors[i];
        if (processor.id == pcpus[0].apic_id) {
            pcpus[0].acpi_id = processor.acpi_id;
            continue;
        }
        if (!can_reach(processor.id)) {
            HV_WARN("the processor with APIC id %u cannot be reached without x2APIC mode", processor.id.raw());
            continue;
        }
        Pcpu* const pcpu = prepare_pcpu(heap, processor);
        if (pcpu == nullptr) HV_PANIC("no memory for a processor's stack");
        ++pcpu_count;  // from here on the new one knows itself by its stack
        if (!start(*pcpu, page)) {
            --pcpu_count;
            return;  // it may still come, and its number must not be another's
        }
    }
    HV_INFO("%u processors", pcpu_count);
}

}  // namespace hospes
