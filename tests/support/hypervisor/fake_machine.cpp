// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_machine.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/ipi.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/ports/preempt.hpp"
#include "hypervisor/ports/processors.hpp"
#include "hypervisor/ports/tlb.hpp"

#include <cstdarg>
#include <cstdio>

namespace hospes {

using test::machine;

void panic(char const* file, int line, char const* what) {
    throw test::HostPanic{std::string{file} + ":" + std::to_string(line) + ": " + what};
}

bool preempt_pending() {
    ++machine().preempt_questions;
    if (machine().is_always_wanted) return true;
    if (machine().preempt_after < 0) return false;
    return machine().preempt_after-- == 0;
}

u64 tlb_clock() { return machine().tlb_clock; }

static void flush() {
    if (machine().on_flush) machine().on_flush();
    ++machine().tlb_clock;
    ++machine().tlb_flushes;
}

void tlb_flush_older_than(u64 stamp) {
    if (stamp >= machine().tlb_clock) flush();
}
void tlb_flush_local() { flush(); }
void tlb_flush_page_local(GuestAddress address) { machine().pages_flushed.emplace_back(PcpuMask{1} << machine().pcpu.raw(), address); }
void tlb_flush_mask(PcpuMask) { flush(); }
void tlb_flush_page_mask(PcpuMask pcpus, GuestAddress address) { machine().pages_flushed.emplace_back(pcpus, address); }

PcpuId this_pcpu_id() { return machine().pcpu; }
u32 known_pcpus() { return static_cast<u32>(machine().online.size()); }
PcpuFacts facts_of(PcpuId pcpu) { return {machine().online[pcpu.raw()], ApicId{pcpu.raw() * 2}, pcpu.raw() + 1}; }
static void ask(PcpuId pcpu, bool is_to_be_online) {
    machine().asked.emplace_back(pcpu, is_to_be_online);
    if (machine().parks_at_once) machine().do_what_is_asked();
}
void ask_to_park(PcpuId pcpu) { ask(pcpu, false); }
void ask_to_return(PcpuId pcpu) { ask(pcpu, true); }
void relax_while_waiting() { __builtin_ia32_pause(); }
void kick_pcpu(PcpuId pcpu) { machine().kicks.push_back(pcpu); }

Nanoseconds system_time() { return machine().now; }
TscScale tsc_scale() { return {.tsc_timestamp = 0, .system_time = machine().now, .mul = 1u << 31, .shift = 1, .tsc_khz = 1'000'000}; }
void program_timer(Nanoseconds deadline) { machine().timer = deadline; }

void log(LogLevel, char const* format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    machine().log.emplace_back(line);
}

namespace test {
void FakeMachine::do_what_is_asked() {
    for (auto const& [who, is_to_be_online] : std::exchange(asked, {})) {
        bool const was_online = online[who.raw()];
        online[who.raw()] = is_to_be_online;
        if (is_to_be_online && !was_online && on_return) on_return(who);
    }
}

FakeMachine& machine() {
    static FakeMachine state;
    return state;
}
}  // namespace test

}  // namespace hospes
