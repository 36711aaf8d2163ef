// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Batch : Stage {
    i64 call(std::vector<multicall_entry_t> const& entries) {
        auto& list = arguments<multicall_entry_t>(entries.size());
        for (usize i = 0; i < entries.size(); ++i) list[i] = entries[i];
        i64 const result = World::hypercall(one.vcpu, __HYPERVISOR_multicall, {list.address(), entries.size()});
        results.clear();
        for (usize i = 0; i < entries.size(); ++i) results.push_back(static_cast<i64>(list[i].result));
        return result;
    }
    multicall_entry_t map(unsigned index) {
        return {__HYPERVISOR_update_va_mapping, 0x77,
                {AddressSpace::page(index).raw(), Pte::make(one.pages[0], Pte::kPresent | Pte::kUser).raw(), 0, 0, 0, 0}};
    }
    std::vector<i64> results;
};

constexpr multicall_entry_t kTaskSwitched{__HYPERVISOR_fpu_taskswitch, 0x77, {1, 0, 0, 0, 0, 0}};

}  // namespace

TEST_CASE("each call of a batch has its own result, and one that fails does not stop the others", "[hypercall][multicall]") {
    Batch w;
    multicall_entry_t const bad{__HYPERVISOR_stack_switch, 0x77, {0xe02b, u64{1} << 47, 0, 0, 0, 0}};
    multicall_entry_t const worse{__HYPERVISOR_stack_switch, 0x77, {0xe02b, u64{1} << 50, 0, 0, 0, 0}};
    CHECK(w.call({kTaskSwitched, worse, w.map(0), bad}) == 0);
    CHECK(w.results == std::vector<i64>{0, to_abi(Errno::invalid), 0, 0});
    CHECK(w.one.vcpu.pv.ts);
}

TEST_CASE("a batch holds no return to the guest and no other batch", "[hypercall][multicall]") {
    Batch w;
    auto& inner = w.arguments<multicall_entry_t>();
    *inner = kTaskSwitched;
    u64 const rip = w.one.vcpu.regs.rip;
    CHECK(w.call({{__HYPERVISOR_iret, 0x77, {}}, {__HYPERVISOR_multicall, 0x77, {inner.address(), 1, 0, 0, 0, 0}}, {63, 0x77, {}}}) == 0);
    CHECK(w.results == std::vector<i64>(3, to_abi(Errno::no_system_call)));
    CHECK(!w.one.vcpu.pv.ts);
    CHECK(w.one.vcpu.regs.rip == rip);
    CHECK(!w.one.domain.is_shut_down);
}

TEST_CASE("a batch that cannot be read or written fails where that is", "[hypercall][multicall]") {
    Batch w;
    CHECK_REFUSED(w, Errno::fault, World::hypercall(w.one.vcpu, __HYPERVISOR_multicall, {kNowhere, 1}));
    auto& list = w.arguments<multicall_entry_t>();
    *list = kTaskSwitched;
    CHECK(World::hypercall(w.one.vcpu, __HYPERVISOR_multicall, {list.address(), 2}) == to_abi(Errno::fault));
    CHECK(list->result == 0);  // the first is done
    CHECK(World::hypercall(w.one.vcpu, __HYPERVISOR_multicall, {kNowhere, 0}) == 0);
}

TEST_CASE("a batch that is interrupted does each call once", "[hypercall][multicall]") {
    Batch w;
    std::vector<multicall_entry_t> entries;
    for (unsigned i = 0; i < 20; ++i) entries.push_back(w.map(i));
    machine().preempt_after = 7;
    CHECK(w.call(entries) == 0);
    CHECK(w.results == std::vector<i64>(20, 0));
    CHECK(RefWord::Count::get(w.ram.frames()[w.one.pages[0]].refs.load()) == 21);
}

TEST_CASE("when a call blocks the caller or takes it down, the rest of the batch comes afterwards", "[hypercall][multicall]") {
    Batch w;
    auto& list = w.arguments<multicall_entry_t>(2);
    list[0] = GENERATE(multicall_entry_t{__HYPERVISOR_sched_op, 0x77, {SCHEDOP_block, 0, 0, 0, 0, 0}},
                       multicall_entry_t{__HYPERVISOR_vcpu_op, 0x77, {VCPUOP_down, 0, 0, 0, 0, 0}});
    list[1] = kTaskSwitched;
    HypercallArgs args{{list.address(), 2, 0, 0, 0, 0}};
    CHECK(dispatch_hypercall(w.one.vcpu, __HYPERVISOR_multicall, args).error() == Errno::restart);
    CHECK(args[1] == 1);
    CHECK(!w.one.vcpu.pv.ts);
}

TEST_CASE("a call of a batch that is interrupted itself goes on where it was", "[hypercall][multicall]") {
    constexpr usize kSize = 300;
    Batch w;
    auto& text = w.arguments<char>(kSize);
    std::string const all = std::string(128, 'a') + std::string(128, 'b') + std::string(44, 'c');
    for (usize i = 0; i < kSize; ++i) text[i] = all[i];
    machine().log.clear();
    machine().preempt_after = 0;
    CHECK(w.call({{__HYPERVISOR_console_io, 0x77, {CONSOLEIO_write, kSize, text.address(), 0, 0, 0}}, kTaskSwitched}) == 0);
    machine().preempt_after = -1;
    CHECK(w.results == std::vector<i64>{0, 0});
    CHECK(w.one.vcpu.pv.ts);
    std::string written;
    for (std::string const& line : machine().log) written += line.substr(line.find(": ") + 2);
    CHECK(written == all);
}

TEST_CASE("a domain that a batch pauses or stops gets no further in it", "[hypercall][multicall]") {
    Batch w;
    auto& list = w.arguments<multicall_entry_t>(2);
    auto& reason = w.arguments<sched_shutdown_t>();
    reason->reason = SHUTDOWN_poweroff;
    list[0] = {__HYPERVISOR_sched_op, 0x77, {SCHEDOP_shutdown, reason.address(), 0, 0, 0, 0}};
    list[1] = kTaskSwitched;
    HypercallArgs args{{list.address(), 2, 0, 0, 0, 0}};
    (void)dispatch_hypercall(w.one.vcpu, __HYPERVISOR_multicall, args);
    CHECK(w.one.domain.is_shut_down);
    CHECK(!w.one.vcpu.pv.ts);
    CHECK(list[1].result == 0x77);
}
