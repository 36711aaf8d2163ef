// SPDX-License-Identifier: Apache-2.0
// platform_op (7), interface version 0x03000001: what dom0 asks of the machine: firmware facts, wall clock, sleep states.
#include "hypervisor/core/domain/domain_list.hpp"
#include "hypervisor/core/firmware.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "hypervisor/hypercall/hot_plug.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/power.hpp"
#include "hypervisor/ports/processors.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;

Status set_time(System& system, u64 seconds, u64 nanoseconds, u64 system_time) {
    if (nanoseconds >= kNanosecondsPerSecond || system_time / kNanosecondsPerSecond > seconds) return Errno::invalid;
    u64 const at_start = seconds * kNanosecondsPerSecond + nanoseconds - system_time;
    set_wall_clock({at_start / kNanosecondsPerSecond, static_cast<u32>(at_start % kNanosecondsPerSecond)});
    write_wall_clock_everywhere(system);
    return {};
}

Status settime64(Vcpu& caller, xen_platform_op_t& op) {
    auto const& time = op.u.settime64;
    return set_time(caller.domain().system(), time.secs, time.nsecs, time.system_time);
}

Status settime32(Vcpu& caller, xen_platform_op_t& op) {
    auto const& time = op.u.settime32;
    return set_time(caller.domain().system(), time.secs, time.nsecs, time.system_time);
}

Status efi_vendor(xen_platform_op_t& op) {
    auto& vendor = op.u.firmware_info.u.efi_info.vendor;
    u64 const bytes = std::min<u64>(vendor.bufsz, firmware_facts.vendor.size() * sizeof(u16));
    HV_TRY(copy_to_guest(GuestAddress{reinterpret_cast<u64>(vendor.name.p)}, firmware_facts.vendor.data(), bytes));
    vendor.revision = firmware_facts.vendor_revision;
    return {};
}

Status efi_info(xen_platform_op_t& op) {
    auto& info = op.u.firmware_info.u.efi_info;
    switch (op.u.firmware_info.index) {
        case XEN_FW_EFI_VERSION:
        case XEN_FW_EFI_RT_VERSION:
            info.version = firmware_facts.efi_revision;
            return {};
        case XEN_FW_EFI_CONFIG_TABLE:
            info.cfg.addr = firmware_facts.config_table;
            info.cfg.nent = firmware_facts.config_entries;
            return {};
        case XEN_FW_EFI_VENDOR:
            return efi_vendor(op);
        default:
            return Errno::invalid;
    }
}

Status firmware_info(Vcpu&, xen_platform_op_t& op) {
    switch (op.u.firmware_info.type) {
        case XEN_FW_EFI_INFO:
            return firmware_facts.config_table != 0 ? efi_info(op) : Status{Errno::no_entry};
        case XEN_FW_KBD_SHIFT_FLAGS:
            op.u.firmware_info.u.kbd_shift_flags = 0;
            return {};
        case XEN_FW_DISK_INFO:
        case XEN_FW_DISK_MBR_SIGNATURE:
            return Errno::no_entry;  // BIOS disks: none under UEFI
        default:
            return Errno::invalid;
    }
}

Status enter_acpi_sleep(Vcpu&, xen_platform_op_t& op) {
    auto const& sleep = op.u.enter_acpi_sleep;
    constexpr u8 kSoftOff = 5;
    if (sleep.sleep_state != kSoftOff) return Errno::not_supported;
    power_off_by(static_cast<u16>(sleep.val_a), static_cast<u16>(sleep.val_b));
}

// A number without a processor is answered too, as invalid (xen/platform.h).
Status cpu_info(Vcpu&, xen_platform_op_t& op) {
    auto& info = op.u.pcpu_info;
    u32 const number = info.xen_cpuid;
    info.max_present = known_pcpus() - 1;
    info.flags = XEN_PCPU_FLAGS_INVALID;
    if (number >= known_pcpus()) return {};
    PcpuFacts const facts = facts_of(PcpuId{number});
    info.flags = facts.is_online ? XEN_PCPU_FLAGS_ONLINE : 0;
    info.apic_id = facts.apic_id.raw();
    info.acpi_id = facts.acpi_id;
    return {};
}

Status cpu_online(Vcpu& caller, xen_platform_op_t& op) { return bring_pcpu_online(caller.domain().system(), op.u.cpu_ol.cpuid); }
Status cpu_offline(Vcpu& caller, xen_platform_op_t& op) { return take_pcpu_offline(caller.domain().system(), op.u.cpu_ol.cpuid); }

struct Row {
    u32 command;
    Status (*run)(Vcpu& caller, xen_platform_op_t& op);
};

constexpr Row kOps[] = {
    {XENPF_settime32, settime32},
    {XENPF_settime64, settime64},
    {XENPF_firmware_info, firmware_info},
    {XENPF_enter_acpi_sleep, enter_acpi_sleep},
    {XENPF_get_cpuinfo, cpu_info},
    {XENPF_cpu_online, cpu_online},
    {XENPF_cpu_offline, cpu_offline},
};

}  // namespace

Outcome hypercall_platform_op(Vcpu& caller, HypercallArgs& args) {
    GuestHandle<xen_platform_op_t> const handle{args[0]};
    xen_platform_op_t op;
    HV_TRY(handle.read_into(op));
    if (op.interface_version != XENPF_INTERFACE_VERSION) return Errno::access;
    for (Row const& row : kOps) {
        if (row.command != op.cmd) continue;
        HV_TRY(row.run(caller, op));
        HV_TRY(handle.write(op));
        return 0;
    }
    return Errno::no_system_call;
}

}  // namespace hospes
