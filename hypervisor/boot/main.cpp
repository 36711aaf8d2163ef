// SPDX-License-Identifier: Apache-2.0
// Where the loader enters: brings the machine up, wires the core, builds dom0, and leaves for it.
#include "hypervisor/boot/boot_memory.hpp"
#include "hypervisor/boot/core.hpp"
#include "hypervisor/boot/dom0_builder.hpp"
#include "hypervisor/core/command_line.hpp"
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/mm/frame_table.hpp"
#include "hypervisor/core/mm/heap.hpp"
#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/sched/scheduler.hpp"
#include "hypervisor/machine/exit.hpp"
#include "hypervisor/machine/machine.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/log.hpp"

#include <string_view>

namespace hospes {
namespace {

constinit FrameTable frames;
constinit Heap heap{frames};
constinit DomainList domains;
constinit Scheduler scheduler;
extern System core;
constinit PageTypes page_types{core};
constinit System core{frames, heap, page_types, domains, scheduler};

std::string_view text_of(MachineString const& text) {
    return {machine_pointer<char const>(MachineAddress{text.address}), text.length};
}

// The loader's strings go away with the hand-off.
void keep_options(Handoff const& handoff) {
    static constinit char options[1024]{};
    std::string_view const given = text_of(handoff.options);
    usize const length = given.copy(options, sizeof options - 1);
    set_command_line({options, length});
}

[[noreturn]] void start(Handoff const& handoff) {
    if (handoff.magic != kHandoffMagic || handoff.version != kHandoffVersion) HV_PANIC("loader and core do not belong together");
    frame_window_base = kDirectMapBase;
    keep_options(handoff);
    init_machine_early();
    HV_INFO("Hospes, a hypervisor with the Xen 4.17 interface");
    HV_INFO("options: %s", command_line().data());
    init_memory(core, handoff);
    init_machine(handoff);
    Domain& dom0 = build_dom0(core, handoff);
    free_loader_memory(core, handoff);
    HV_INFO("%lu MiB free, dom0 starts %lu ms after the core", heap.free_pages() >> 8, system_time().raw() / 1'000'000);
    dom0.is_paused_by_control = false;
    scheduler.unpause_domain(dom0);
    exit_to_guest();
}

}  // namespace

System& the_core() { return core; }

}  // namespace hospes

extern "C" [[noreturn]] void core_entry(hospes::Handoff const* handoff) { hospes::start(*handoff); }
