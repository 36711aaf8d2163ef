// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_guest_cpu.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/ports/power.hpp"
#include "tests/support/hypervisor/fake_machine.hpp"

namespace hospes {

using test::guest_cpu;

void evict_vcpu(Vcpu&) {}
void save_live_state(Vcpu&) {}
void init_fpu_area(void*) {}
void load_guest_root(Vcpu& vcpu) {
    if (guest_cpu().on_root_load) guest_cpu().on_root_load(vcpu);
}
void load_guest_gdt(Vcpu&) {}
void load_guest_ldt(Vcpu&) {}
void load_io_privilege(Vcpu&) {}
void load_debug_registers(Vcpu&) {}
void load_fpu_state(Vcpu&) {}
void load_user_gs(Vcpu&, u16 selector) { guest_cpu().user_gs_loads.push_back(selector); }
void write_back_caches() {}

bool enter_guest_mode(Vcpu& vcpu, bool kernel) {
    if (!kernel && !vcpu.pv.user_root.is_valid()) return false;
    vcpu.pv.in_kernel = kernel;
    return true;
}

static u64& base_of(Vcpu& vcpu, SegmentBase which) {
    if (which == SegmentBase::fs) return vcpu.pv.fs_base;
    return which == SegmentBase::gs_kernel ? vcpu.pv.gs_base_kernel : vcpu.pv.gs_base_user;
}
u64 segment_base(Vcpu& vcpu, SegmentBase which) { return base_of(vcpu, which); }
void set_segment_base(Vcpu& vcpu, SegmentBase which, u64 base) { base_of(vcpu, which) = base; }

u32 port_in(u16 port, unsigned width) {
    ++guest_cpu().port_reads;
    auto const found = guest_cpu().port_values.find(port);
    u32 const value = found == guest_cpu().port_values.end() ? 0x1111'1111 : found->second;
    return width == 4 ? value : value & ((1u << 8 * width) - 1);
}
void port_out(u16 port, unsigned width, u32 value) { guest_cpu().port_writes.push_back({port, width, value}); }

CpuidResult native_cpuid(u32 leaf, u32 subleaf) { return guest_cpu().cpuid(leaf, subleaf); }
u64 switchable_xcr0() { return guest_cpu().xcr0; }
u64 read_tsc() { return 0x1234'5678'9abc; }

void power_off_by(u16, u16) { throw test::HostPanic{"the machine powers off by ACPI"}; }
void power_off() { throw test::HostPanic{"the machine powers off"}; }
void restart_machine() { throw test::HostPanic{"the machine restarts"}; }
void dom0_crashed() { throw test::HostPanic{"dom0 has crashed"}; }

namespace test {
FakeGuestCpu& guest_cpu() {
    static FakeGuestCpu state;
    return state;
}
}  // namespace test

}  // namespace hospes
