// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/firmware.hpp"
#include "hypervisor/core/time/guest_time.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Platform : Stage {
    Platform() {
        firmware_facts = FirmwareFacts{};
        firmware_facts.config_table = 0x7000;
        firmware_facts.config_entries = 5;
        firmware_facts.efi_revision = 0x0002'0046;
        firmware_facts.vendor_revision = 7;
        firmware_facts.vendor = {'O', 'V', 'M', 'F', 0};
    }
    template <typename Fill>
    i64 op(u32 command, Fill fill) {
        xen_platform_op_t request{};
        request.cmd = command;
        request.interface_version = XENPF_INTERFACE_VERSION;
        fill(request.u);
        return World::hypercall(zero.vcpu, __HYPERVISOR_platform_op, {pointer_to(request)});
    }
    xen_platform_op_t& answer() { return *last<xen_platform_op_t>(); }
    i64 firmware(u32 type, u32 index) {
        return op(XENPF_firmware_info, [&](auto& u) {
            u.firmware_info.type = type;
            u.firmware_info.index = index;
        });
    }
    i64 set_time(u64 seconds, u32 nanoseconds, u64 at) {
        return op(XENPF_settime64, [&](auto& u) {
            u.settime64.secs = seconds;
            u.settime64.nsecs = nanoseconds;
            u.settime64.system_time = at;
        });
    }
};

}  // namespace

TEST_CASE("dom0 sets the wall clock of all domains", "[hypercall][platform]") {
    Platform w;
    CHECK(w.set_time(1'700'000'000, 500, 2'000'000'400) == 0);
    CHECK(wall_clock().seconds == 1'699'999'998);  // at system time 0
    CHECK(wall_clock().nanoseconds == 100);
    CHECK(w.two.domain.shared_info->wc_sec == 1'699'999'998);
    CHECK(w.two.domain.shared_info->wc_version % 2 == 0);
    CHECK(w.op(XENPF_settime32, [](auto& u) { u.settime32.secs = 1'600'000'000; }) == 0);
    CHECK(w.one.domain.shared_info->wc_sec == 1'600'000'000);
}

TEST_CASE("a wall clock that cannot be is refused", "[hypercall][platform]") {
    Platform w;
    CHECK_REFUSED(w, Errno::invalid, w.set_time(1'700'000'000, 1'000'000'000, 0));
    CHECK_REFUSED(w, Errno::invalid, w.set_time(1, 0, 2'000'000'000));  // the machine started before 1970
}

TEST_CASE("dom0 learns of the firmware", "[hypercall][platform]") {
    Platform w;
    CHECK(w.firmware(XEN_FW_EFI_INFO, XEN_FW_EFI_VERSION) == 0);
    CHECK(w.answer().u.firmware_info.u.efi_info.version == 0x0002'0046);
    CHECK(w.firmware(XEN_FW_EFI_INFO, XEN_FW_EFI_CONFIG_TABLE) == 0);
    CHECK(w.answer().u.firmware_info.u.efi_info.cfg.addr == 0x7000);
    CHECK(w.answer().u.firmware_info.u.efi_info.cfg.nent == 5);
    CHECK(w.firmware(XEN_FW_KBD_SHIFT_FLAGS, 0) == 0);

    auto& vendor = w.arguments<u16>(100);
    CHECK(w.op(XENPF_firmware_info, [&](auto& u) {
        u.firmware_info.type = XEN_FW_EFI_INFO;
        u.firmware_info.index = XEN_FW_EFI_VENDOR;
        u.firmware_info.u.efi_info.vendor.bufsz = 200;  // more than there is
        u.firmware_info.u.efi_info.vendor.name.p = reinterpret_cast<void*>(vendor.address());
    }) == 0);
    CHECK(vendor[0] == 'O');
    CHECK(w.answer().u.firmware_info.u.efi_info.vendor.revision == 7);
}

TEST_CASE("firmware facts that are not there", "[hypercall][platform]") {
    Platform w;
    CHECK_REFUSED(w, Errno::no_entry, w.firmware(XEN_FW_DISK_INFO, 0));
    CHECK_REFUSED(w, Errno::no_entry, w.firmware(XEN_FW_DISK_MBR_SIGNATURE, 0));
    CHECK_REFUSED(w, Errno::invalid, w.firmware(99, 0));
    CHECK_REFUSED(w, Errno::invalid, w.firmware(XEN_FW_EFI_INFO, XEN_FW_EFI_MEM_INFO));
    firmware_facts.config_table = 0;
    CHECK_REFUSED(w, Errno::no_entry, w.firmware(XEN_FW_EFI_INFO, XEN_FW_EFI_VERSION));
}

TEST_CASE("ACPI's soft off switches off, other sleep states are not offered", "[hypercall][platform]") {
    Platform w;
    auto const sleep = [&](u8 state) { return w.op(XENPF_enter_acpi_sleep, [&](auto& u) { u.enter_acpi_sleep.sleep_state = state; }); };
    CHECK_REFUSED(w, Errno::not_supported, sleep(3));
    CHECK_THROWS_MATCHES(sleep(5), HostPanic, Catch::Matchers::Message("the machine powers off by ACPI"));
}

TEST_CASE("a platform_op is known, and of our version", "[hypercall][platform]") {
    Platform w;
    xen_platform_op_t request{};
    request.cmd = XENPF_settime64;
    request.interface_version = XENPF_INTERFACE_VERSION + 1;
    CHECK_REFUSED(w, Errno::access, World::hypercall(w.zero.vcpu, __HYPERVISOR_platform_op, {w.pointer_to(request)}));
    CHECK_REFUSED(w, Errno::no_system_call, w.op(XENPF_microcode_update, [](auto&) {}));
    CHECK_REFUSED(w, Errno::fault, World::hypercall(w.zero.vcpu, __HYPERVISOR_platform_op, {kNowhere}));
    CHECK(w.op(XENPF_get_cpuinfo, [](auto&) {}) == 0);
    CHECK((w.answer().u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE) != 0);
    CHECK(w.op(XENPF_get_cpuinfo, [](auto& u) { u.pcpu_info.xen_cpuid = 1u << 20; }) == 0);
    CHECK(w.answer().u.pcpu_info.flags == XEN_PCPU_FLAGS_INVALID);
}
