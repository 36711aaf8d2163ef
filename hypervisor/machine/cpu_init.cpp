// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/cpu_init.hpp"

#include "hypervisor/core/command_line.hpp"
#include "hypervisor/core/pv/port_io.hpp"
#include "hypervisor/machine/acpi.hpp"
#include "hypervisor/machine/clock.hpp"
#include "hypervisor/machine/context_switch.hpp"
#include "hypervisor/machine/cpu_features.hpp"
#include "hypervisor/machine/entry.hpp"
#include "hypervisor/machine/idt.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/machine/log_level.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/pcpu_area.hpp"
#include "hypervisor/machine/port_bitmap.hpp"
#include "hypervisor/machine/requests.hpp"
#include "hypervisor/machine/serial.hpp"
#include "hypervisor/machine/vectors.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/layout.hpp"
#include "hypervisor/x86/msr.hpp"

#include <algorithm>
#include <span>

namespace hospes {
namespace {

alignas(kStackBlockBytes) constinit u8 boot_stack_block[kStackBlockBytes];

void load_tables(Pcpu const& pcpu) {
    load_gdt({kGdtBytes - 1, pcpu_area_base(pcpu.id) + kAreaGdt});
    load_core_segments();
    load_task_register(kTssSelector);
    load_ldt(0);
    load_idt_register();
}

// RFLAGS bits that SYSCALL clears: nothing of the guest's flags may touch the core.
constexpr u64 kSyscallClears = kRflagsTf | kRflagsIf | kRflagsDf | kRflagsIopl | kRflagsNt | kRflagsRf | kRflagsVm | kRflagsAc;

void set_up_syscall(Pcpu const& pcpu) {
    u64 const trampoline = pcpu_area_base(pcpu.id) + kAreaTrampoline;
    wrmsr(kMsrStar, u64{kGuestCs32} << 48 | u64{kCoreCs} << 32);
    wrmsr(kMsrLstar, trampoline);
    wrmsr(kMsrCstar, trampoline + static_cast<u64>(syscall_trampoline_compat - syscall_trampoline));
    wrmsr(kMsrSyscallMask, kSyscallClears);
    wrmsr(kMsrSysenterCs, 0);  // SYSENTER gives #GP
    wrmsr(kMsrEfer, rdmsr(kMsrEfer) | kEferSce | kEferNxe);
}

// No TSD (each RDTSC would trap), no FSGSBASE (a guest's user code could change bases behind its kernel's back), no PGE (a CR3 load
// flushes all).
void set_control_registers() {
    write_cr0((read_cr0() | kCr0Wp | kCr0Ne | kCr0Mp | kCr0Am) & ~kCr0Ts);
    u64 cr4 = kCr4Pae | kCr4OsFxsr | kCr4OsXmmExcpt | (read_cr4() & kCr4Mce);
    if (cpu_features.xsave) cr4 |= kCr4OsXsave;
    if (cpu_features.smep) cr4 |= kCr4Smep;
    if (cpu_features.smap) cr4 |= kCr4Smap;
    write_cr4(cr4);
    wrmsr(kMsrPat, kPatValue);
    if (cpu_features.rdtscp) wrmsr(kMsrTscAux, 0);
    if (cpu_features.xsave) write_xcr0(cpu_features.xcr0);
}

// The way out looks at Pcpu::kicked.
void handle_kick(Vector) {
    end_of_interrupt();
    serve_requests();
}

}  // namespace

void init_boot_cpu() {
    Pcpu& pcpu = pcpus[0];
    pcpu.id = PcpuId{0};
    pcpu.stack_block = boot_stack_block;
    pcpu_count = 1;
    pcpu.is_online = true;
    build_boot_pcpu_area(pcpu);
    idle_root = mfn_of(MachineAddress{read_cr3() & kPageMask});
    frame_pointer<u64>(idle_root)[kPcpuAreaSlot] = pcpu_area_root_entry();
    write_cr3(read_cr3());
    build_idt();
    load_tables(pcpu);
    init_serial();
    if (option_value("loglvl") == "debug") set_log_level(LogLevel::debug);
    detect_cpu_features();
    set_control_registers();
    set_up_syscall(pcpu);
    pcpu.loaded_root = idle_root;
    deny_ports(kSerialPort, kSerialPorts);
    open_ports(pcpu);
}

void init_started_cpu(Pcpu& pcpu) {
    write_cr3(maddr_of(idle_root).raw());
    load_tables(pcpu);
    set_control_registers();
    set_up_syscall(pcpu);
    open_ports(pcpu);
    init_local_apic(false, false);
    start_clock_of(pcpu);
    pcpu.is_online = true;
    pcpu.kicked = true;
}

void adopt_core_root(Mfn root) {
    idle_root = root;
    this_pcpu().loaded_root = root;
    write_cr3(maddr_of(root).raw());
}

void init_boot_time() {
    auto const processors = std::span{acpi_facts.processors}.first(acpi_facts.processor_count);
    init_local_apic(true, std::any_of(processors.begin(), processors.end(), [](ProcessorFact const& each) { return each.id.raw() > kMostApicId; }));
    pcpus[0].apic_id = local_apic_id();
    register_vector(kKickVector, handle_kick);
    init_clock();
}

}  // namespace hospes
