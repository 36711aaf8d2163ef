// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/context_switch.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/pv/bounce.hpp"
#include "hypervisor/machine/exit_hooks.hpp"
#include "hypervisor/machine/fpu.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/machine/pcpu_area.hpp"
#include "hypervisor/machine/requests.hpp"
#include "hypervisor/machine/segments.hpp"
#include "hypervisor/machine/tlb.hpp"
#include "hypervisor/ports/guest_cpu.hpp"

namespace hospes {

constinit Mfn idle_root{};

namespace {

constexpr u64 kDr7Enables = 0xff;

void load_root(Pcpu& pcpu, Mfn root) {
    pcpu.loaded_root = root;
    write_cr3(maddr_of(root).raw());
}

// Guest kernels with I/O privilege, and nobody else, use the ports that the bitmap leaves open.
void load_port_access(Pcpu& pcpu, Vcpu& vcpu) {
    bool const open = vcpu.domain().is_hardware_domain() && vcpu.pv.in_kernel && vcpu.pv.iopl >= 1;
    pcpu.tss->tss.io_bitmap_offset = open ? u16{sizeof(Tss)} : kNoIoBitmap;
}

void point_entries_at(Pcpu& pcpu, Vcpu& vcpu) {
    u64 const regs_end = reinterpret_cast<u64>(&vcpu.regs + 1);
    vcpu.core_stack_top = pcpu.stack_top();
    pcpu.tss->tss.rsp[0] = regs_end;
    pcpu.trampoline->regs_end = regs_end;
}

// An idle pcpu keeps the last vcpu's state until somebody needs it.
void take_from_other_pcpu(Pcpu const& pcpu, Vcpu& vcpu) {
    u32 const holder = vcpu.sched.loaded_on.load(std::memory_order_acquire);
    if (holder == kNoPcpu || holder == pcpu.id.raw()) return;
    send_request(pcpus[holder], Request::unload_idle);
    while (vcpu.sched.loaded_on.load(std::memory_order_acquire) != kNoPcpu) relax_while_waiting();
}

void unload(Pcpu& pcpu) {
    Vcpu& vcpu = *pcpu.loaded;
    save_live_state(vcpu);
    pcpu.loaded = nullptr;
    pcpu.tss->tss.io_bitmap_offset = kNoIoBitmap;
    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));
    load_ldt_register(pcpu, 0);
    write_gdt_window(pcpu, nullptr);
    write_ldt_window(pcpu, nullptr);
    load_root(pcpu, idle_root);
    hold_no_translations(pcpu);
    vcpu.sched.loaded_on.store(kNoPcpu, std::memory_order_release);
}

bool is_loaded(Vcpu const& vcpu) { return this_pcpu().loaded == &vcpu; }

}  // namespace

void load_debug_registers(Vcpu& vcpu) {
    if (!is_loaded(vcpu)) return;
    bool& armed = this_pcpu().are_debug_registers_armed;
    auto const& registers = vcpu.pv.debug_registers;
    bool const wanted = (registers[7] & kDr7Enables) != 0;
    if (armed) write_dr7(0x400);
    if (wanted) {
        asm volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
                     :
                     : "r"(registers[0]), "r"(registers[1]), "r"(registers[2]), "r"(registers[3]));
        write_dr7(registers[7]);
    }
    armed = wanted;
}

void load_vcpu(Pcpu& pcpu, Vcpu& next) {
    if (pcpu.loaded == &next) {
        if (pcpu.loaded_root != next.current_root()) load_root(pcpu, next.current_root());
        return;
    }
    take_from_other_pcpu(pcpu, next);
    if (pcpu.loaded != nullptr) {
        save_live_state(*pcpu.loaded);
        pcpu.loaded->sched.loaded_on.store(kNoPcpu, std::memory_order_release);
    } else {
        expect_translations(pcpu);
    }
    pcpu.loaded = &next;
    next.sched.loaded_on.store(pcpu.id.raw());  // before CR3 is loaded: who flushes this address space later finds us
    point_entries_at(pcpu, next);
    write_gdt_window(pcpu, &next);
    write_ldt_window(pcpu, &next);
    load_root(pcpu, next.current_root());
    load_ldt_register(pcpu, next.pv.ldt_entries);
    load_port_access(pcpu, next);
    load_fpu(next);
    load_debug_registers(next);
    PvState const& pv = next.pv;
    std::array<u16, 4> const wanted{pv.ds, pv.es, pv.fs, pv.gs};
    if (!load_segments(next)) deliver_failsafe(next, wanted);
}

bool enter_guest_mode(Vcpu& vcpu, bool kernel) {
    if (vcpu.pv.in_kernel == kernel) return true;
    Mfn root = vcpu.pv.user_root;
    if (kernel) root = vcpu.pv.kernel_root;
    if (!root.is_valid()) return false;
    vcpu.pv.in_kernel = kernel;
    Pcpu& pcpu = this_pcpu();
    if (pcpu.loaded != &vcpu) return true;
    asm volatile("swapgs" : : : "memory");
    load_root(pcpu, root);
    if (vcpu.pv.iopl != 0) load_port_access(pcpu, vcpu);  // otherwise the ports are closed in both modes
    return true;
}

void load_guest_root(Vcpu& vcpu) {
    if (is_loaded(vcpu)) load_root(this_pcpu(), vcpu.current_root());
}

void load_guest_gdt(Vcpu& vcpu) {
    if (!is_loaded(vcpu)) return;
    write_gdt_window(this_pcpu(), &vcpu);
    load_root(this_pcpu(), vcpu.current_root());
}

void load_guest_ldt(Vcpu& vcpu) {
    if (!is_loaded(vcpu)) return;
    write_ldt_window(this_pcpu(), &vcpu);
    load_root(this_pcpu(), vcpu.current_root());
    load_ldt_register(this_pcpu(), vcpu.pv.ldt_entries);
}

void load_io_privilege(Vcpu& vcpu) {
    if (is_loaded(vcpu)) load_port_access(this_pcpu(), vcpu);
}

void load_fpu_state(Vcpu& vcpu) {
    if (is_loaded(vcpu)) load_fpu(vcpu);
}

void save_live_state(Vcpu& vcpu) {
    if (!is_loaded(vcpu)) return;
    save_segments(vcpu);
    save_fpu(vcpu);
}

bool unload_idle_vcpu(Pcpu& pcpu) {
    if (pcpu.loaded != nullptr && pcpu.loaded == pcpu.running) return false;
    if (pcpu.loaded != nullptr) unload(pcpu);
    return true;
}

void evict_vcpu(Vcpu& vcpu) {
    Pcpu& pcpu = this_pcpu();
    HV_ASSERT(pcpu.running != &vcpu);
    if (pcpu.loaded == &vcpu) unload(pcpu);
    take_from_other_pcpu(pcpu, vcpu);
}

}  // namespace hospes
