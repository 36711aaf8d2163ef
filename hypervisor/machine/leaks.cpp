// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/leaks.hpp"

#include "hypervisor/core/command_line.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/ports/guest_cpu.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/leaks.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {

void check_for_leaks() {
    CpuidResult const first = native_cpuid(0, 0);
    bool const has_capabilities = first.eax >= 7 && (native_cpuid(7, 0).edx >> 29 & 1) != 0;
    if (!leaks_all_memory(first.ebx, has_capabilities ? rdmsr(kMsrArchCapabilities) : 0)) return;
    HV_WARN("on this processor any domain can read all memory (Meltdown, L1TF): run only domains that you trust");
    if (option_value("leaky_cpu") != "refuse") return;
    HV_ERROR("option leaky_cpu=refuse: stopped here");
    halt_forever();
}

}  // namespace hospes
