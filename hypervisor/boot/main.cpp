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
#include "hypervisor/core/firmware.hpp"
#include "hypervisor/core/mm/page_entries.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/machine/acpi.hpp"
#include "hypervisor/machine/ap_start.hpp"
#include "hypervisor/machine/cpu_init.hpp"
#include "hypervisor/machine/exit.hpp"
#include "hypervisor/machine/exit_hooks.hpp"
#include "hypervisor/machine/io_apic.hpp"
#include "hypervisor/machine/leaks.hpp"
#include "hypervisor/machine/mmio_map.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/real_time_clock.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
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

void init_firmware_facts(Firmware const& firmware) {
    firmware_facts.config_table = firmware.config_table;
    firmware_facts.config_entries = static_cast<u32>(firmware.config_entries);
    firmware_facts.efi_revision = firmware.efi_revision;
    firmware_facts.vendor_revision = firmware.revision;
    if (firmware.vendor == 0) return;
    u16 const* const vendor = machine_pointer<u16 const>(MachineAddress{firmware.vendor});
    for (usize i = 0; i + 1 < firmware_facts.vendor.size() && vendor[i] != 0; ++i) firmware_facts.vendor[i] = vendor[i];
}

// Interrupt controllers are the core's alone; so is the range where messages are sent to.
void deny_interrupt_controllers() {
    constexpr u64 kMessageRangePages = 0x100;
    deny_mmio(mfn_of(MachineAddress{0xfee0'0000}), kMessageRangePages);
    for (u32 i = 0; i < acpi_facts.io_apic_count; ++i) deny_mmio(mfn_of(acpi_facts.io_apics[i].address), 1);
}

void init_machine(Handoff const& handoff) {
    init_mmio_map(heap);
    init_hypervisor_slots();
    set_physical_address_bits(native_cpuid(0x8000'0008, 0).eax & 0xff);
    read_acpi(MachineAddress{handoff.firmware.acpi_rsdp});
    init_firmware_facts(handoff.firmware);
    init_io_apics();
    deny_interrupt_controllers();
    init_boot_time();
    set_wall_clock(read_real_time_clock());
}

// On the pcpu's own stack: the loader's memory goes back to the heap.
[[noreturn]] void start(Handoff const& handoff) {
    HV_INFO("Hospes, a hypervisor with the Xen 4.17 interface");
    HV_INFO("options: %s", command_line().data());
    check_for_leaks();
    init_memory(core, handoff);
    init_machine(handoff);
    start_other_pcpus(heap, find_low_memory(handoff, kApStartPages), static_cast<u32>(option_number("maxcpus", kMaxPcpus)));
    Domain& dom0 = build_dom0(core, handoff);
    free_loader_memory(core, handoff);
    HV_INFO("%lu MiB free; dom0 starts %lu ms after the clock", heap.free_pages() >> 8, system_time().raw() / 1'000'000);
    on_pcpu_online();
    dom0.is_paused_by_control = false;
    scheduler.unpause_domain(dom0);
    exit_to_guest();
}

}  // namespace

System& the_core() { return core; }

}  // namespace hospes

extern "C" [[noreturn]] void core_start(hospes::Handoff const* handoff) { hospes::start(*handoff); }

extern "C" [[noreturn]] void core_entry(hospes::Handoff const* handoff) {
    using namespace hospes;
    frame_window_base = kDirectMapBase;
    bool const is_ours = handoff->magic == kHandoffMagic && handoff->version == kHandoffVersion;
    if (is_ours) keep_options(*handoff);
    init_boot_cpu();
    if (!is_ours) HV_PANIC("loader and core do not belong together");
    asm volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall core_start" : : "r"(this_pcpu().stack_top()), "D"(handoff) : "memory");
    __builtin_unreachable();
}
