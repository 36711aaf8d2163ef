// SPDX-License-Identifier: Apache-2.0
// Every hypercall with arguments of any shape, by each of three domains. What the core has read the guest changes at once, and a second fetch
// of the same byte ends the run: no two arguments share memory. A reference that does not add up, or a panic, is a find too.
#include "hypervisor/core/domain/life_cycle.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "tests/fuzz/fuzz_run.hpp"
#include "tests/support/hypervisor/stage.hpp"
#include "tests/support/hypervisor/whole_recount.hpp"

#include <string_view>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr usize kWords = 24;    // of a structure
constexpr usize kPointees = 6;  // that its words may point to

class Arguments {
public:
    Arguments(Stage& stage, FuzzInput& input, Stage::Home& home) : stage_{stage}, input_{input}, home_{home} {
        for (usize i = 0; i < kWords * kPointees; ++i) lists_[i] = number();
    }
    // A structure of its own in guest memory, its words numbers or pointers.
    u64 structure(GuestArray<u64>& words, usize count) {
        for (usize i = 0; i < count; ++i) words[i] = word();
        return words.address();
    }
    u64 number() {
        u8 const choice = input_.byte();
        if (choice < 140) return choice % 20;
        if (choice < 170) return home_.pages[choice % home_.pages.size()].raw() << (choice % 2 * kPageShift);
        if (choice < 180) return stage_.two.pages[choice % 8].raw();
        if (choice < 190) return home_.space.entry(choice % 8).raw();
        if (choice < 200) return home_.space.l1.raw();
        if (choice < 210) return AddressSpace::page(choice % 8).raw();
        if (choice < 220) return DOMID_SELF;
        if (choice < 230) return u64{1} << (choice % 64);
        return input_.number<u64>();
    }
    u64 word() {
        bool const is_pointer = input_.byte() % 4 == 0 && used_ < kPointees;
        return is_pointer ? lists_.address() + used_++ * kWords * sizeof(u64) : number();
    }

private:
    Stage& stage_;
    FuzzInput& input_;
    Stage::Home& home_;
    GuestArray<u64> lists_{kWords * kPointees};
    usize used_ = 0;
};

// What ends the machine, for dom0 may do that (an iret without a frame is its crash), and what the fuzzer is not to do.
bool is_excluded(u64 number, Domain const& domain) {
    bool const ends_machine = number == __HYPERVISOR_sched_op || number == __HYPERVISOR_platform_op || number == __HYPERVISOR_iret;
    return number == __HYPERVISOR_multicall || (domain.is_control_domain() && ends_machine);
}

void run_one(Stage& stage, FuzzInput& input) {
    Stage::Home* const homes[] = {&stage.zero, &stage.one, &stage.two};
    Stage::Home& home = *homes[input.byte() % 3];
    u64 const number = input.byte() % 52;
    if (is_excluded(number, home.domain) || home.domain.life != LifeState::alive || home.domain.is_shut_down) return;
    u8 const choice = input.byte();
    GuestArray<u64> first{kWords};
    GuestArray<u64> second{kWords};
    Arguments make{stage, input, home};
    std::array<u64, 6> arguments{};
    for (usize i = 0; i < arguments.size(); ++i) arguments[i] = make.number();
    // Sub-operations come with their structure second, batches first.
    if (choice % 2 == 0) arguments[choice / 2 % 2] = make.structure(first, kWords);
    if (choice % 8 == 0) arguments[2] = make.structure(second, kWords);
    Trouble const trouble{choice >> 4 < 3 ? choice >> 4 : -1, choice >> 4 > 12 ? (choice >> 4) - 13 : -1};
    guest_memory().after_read = [](GuestAddress from, usize size) {
        u8* const bytes = guest_memory().find(from, size);
        for (usize i = 0; i < size; ++i) bytes[i] ^= 0x5a;
    };
    (void)World::hypercall(home.vcpu, number, arguments);
    guest_memory().after_read = nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, usize size) {
    return run_all<Stage>({data, size}, run_one, [](Stage& stage) {
        check_invariants(stage);
        if (std::string const wrong = difference_of_all(stage); !wrong.empty()) throw HostPanic{wrong};
    });
}
