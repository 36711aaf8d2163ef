// SPDX-License-Identifier: Apache-2.0
// A processor on which no vcpu is ever loaded: what a Vcpu object holds is all there is.
#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/power.hpp"
#include "tests/support/hypervisor/fake_machine.hpp"

namespace hospes {

void evict_vcpu(Vcpu&) {}
void init_fpu_area(void*) {}
void load_guest_root(Vcpu&) {}
void load_guest_gdt(Vcpu&) {}
void load_guest_ldt(Vcpu&) {}

void power_off() { throw test::HostPanic{"the machine powers off"}; }
void restart_machine() { throw test::HostPanic{"the machine restarts"}; }
void dom0_crashed() { throw test::HostPanic{"dom0 has crashed"}; }

}  // namespace hospes
