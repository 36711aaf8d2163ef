// SPDX-License-Identifier: Apache-2.0
// The small rest of ports/guest_cpu.hpp: bases, ports, CPUID.
#include "hypervisor/ports/guest_cpu.hpp"

#include "hypervisor/core/domain/vcpu.hpp"
#include "hypervisor/machine/cpu_features.hpp"
#include "hypervisor/machine/instructions.hpp"
#include "hypervisor/machine/pcpu.hpp"
#include "hypervisor/x86/msr.hpp"

namespace hospes {
namespace {

// The MSR that holds a base while `vcpu` is loaded.
u32 msr_of(Vcpu const& vcpu, SegmentBase which) {
    switch (which) {
        case SegmentBase::fs: return kMsrFsBase;
        case SegmentBase::gs_kernel: return vcpu.pv.in_kernel ? kMsrGsBase : kMsrKernelGsBase;
        case SegmentBase::gs_user: break;
    }
    return vcpu.pv.in_kernel ? kMsrKernelGsBase : kMsrGsBase;
}

u64& saved_base(Vcpu& vcpu, SegmentBase which) {
    switch (which) {
        case SegmentBase::fs: return vcpu.pv.fs_base;
        case SegmentBase::gs_kernel: return vcpu.pv.gs_base_kernel;
        case SegmentBase::gs_user: break;
    }
    return vcpu.pv.gs_base_user;
}

}  // namespace

u64 segment_base(Vcpu& vcpu, SegmentBase which) {
    return this_pcpu().loaded == &vcpu ? rdmsr(msr_of(vcpu, which)) : saved_base(vcpu, which);
}

void set_segment_base(Vcpu& vcpu, SegmentBase which, u64 base) {
    if (this_pcpu().loaded == &vcpu)
        wrmsr(msr_of(vcpu, which), base);
    else
        saved_base(vcpu, which) = base;
}

u32 port_in(u16 port, unsigned width) {
    switch (width) {
        case 1: return inb(port);
        case 2: return inw(port);
        default: return inl(port);
    }
}

void port_out(u16 port, unsigned width, u32 value) {
    switch (width) {
        case 1: outb(port, static_cast<u8>(value)); return;
        case 2: outw(port, static_cast<u16>(value)); return;
        default: outl(port, value); return;
    }
}

CpuidResult native_cpuid(u32 leaf, u32 subleaf) {
    CpuidResult result{};
    asm volatile("cpuid" : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx) : "a"(leaf), "c"(subleaf));
    return result;
}

u64 switchable_xcr0() { return cpu_features.xsave ? cpu_features.xcr0 : 0; }

u64 read_tsc() { return rdtsc(); }

void write_back_caches() { asm volatile("wbinvd" : : : "memory"); }

}  // namespace hospes
