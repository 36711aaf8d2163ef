// SPDX-License-Identifier: Apache-2.0
// xen_version (hypercall 17).
#include "support.hpp"

namespace hospes::guest {

HV_TEST(version_number_is_4_17) { HV_CHECK_EQ(hv::xen_version(XENVER_version), 0x00040011); }

HV_TEST(version_pagesize_is_4096) { HV_CHECK_EQ(hv::xen_version(XENVER_pagesize), 4096); }

HV_TEST(version_extraversion_is_a_terminated_text) {
    char text[XEN_EXTRAVERSION_LEN + 1];
    memset(text, 0x7f, sizeof text);
    HV_REQUIRE_EQ(hv::xen_version(XENVER_extraversion, text), 0);
    HV_CHECK(text_length(text) < XEN_EXTRAVERSION_LEN);
    HV_CHECK_EQ(text[XEN_EXTRAVERSION_LEN], 0x7f);
}

HV_TEST(version_capabilities_list_64_bit_pv) {
    static xen_capabilities_info_t text;
    HV_REQUIRE_EQ(hv::xen_version(XENVER_capabilities, text), 0);
    bool found = false;
    for (const char *at = text; *at != '\0'; ++at) found = found || text_starts_with(at, "xen-3.0-x86_64");
    HV_CHECK(found);
}

HV_TEST(version_compile_info_and_changeset_are_filled) {
    static xen_compile_info_t compile;
    static xen_changeset_info_t changeset;
    HV_CHECK_EQ(hv::xen_version(XENVER_compile_info, &compile), 0);
    HV_CHECK_EQ(hv::xen_version(XENVER_changeset, changeset), 0);
}

HV_TEST(version_platform_parameters_name_the_hypervisor_range) {
    xen_platform_parameters_t parameters{};
    HV_REQUIRE_EQ(hv::xen_version(XENVER_platform_parameters, &parameters), 0);
    HV_CHECK_EQ(parameters.virt_start, kHypervisorStart);
}

HV_TEST(version_features_are_those_of_a_pv_guest) {
    xen_feature_info_t info{0, 0};
    HV_REQUIRE_EQ(hv::xen_version(XENVER_get_features, &info), 0);
    HV_CHECK_EQ(info.submap, is_initial_domain() ? 0x228f0 : 0x220f0);
    info = {XENFEAT_NR_SUBMAPS, 0};
    HV_CHECK_EQ(hv::xen_version(XENVER_get_features, &info), kEINVAL);
}

HV_TEST(version_guest_handle_of_the_initial_domain_is_zero) {
    HV_SKIP_IF(!is_initial_domain(), "only the initial domain has a fixed handle");
    u8 handle[16];
    memset(handle, 0xee, sizeof handle);
    HV_REQUIRE_EQ(hv::xen_version(XENVER_guest_handle, handle), 0);
    for (const u8 byte : handle) HV_CHECK_EQ(byte, 0);
}

HV_TEST(version_commandline_is_a_terminated_text) {
    static xen_commandline_t text;
    memset(text, 0x7f, sizeof text);
    HV_REQUIRE_EQ(hv::xen_version(XENVER_commandline, text), 0);
    bool terminated = false;
    for (const char byte : text) terminated = terminated || byte == '\0';
    HV_CHECK(terminated);
}

HV_TEST(version_unknown_commands_are_enosys) {
    HV_CHECK_EQ(hv::xen_version(11), kENOSYS);
    HV_CHECK_EQ(hv::xen_version(0xffffffff), kENOSYS);
}

HV_TEST(version_bad_buffers_are_efault) {
    for (const u64 bad : kBadPointers) {
        HV_CHECK_EQ(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_xen_version, XENVER_get_features, bad), kEFAULT);
        HV_CHECK_EQ(hypercall(__HYPERVISOR_xen_version, XENVER_guest_handle, bad), kEFAULT);
    }
    HV_CHECK_EQ(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, kHypervisorStart), kEFAULT);
}

HV_TEST(version_read_only_buffer_is_efault) {
    const Page page;
    HV_REQUIRE_EQ(page.make_read_only(), 0);
    HV_CHECK_EQ(hv::xen_version(XENVER_extraversion, page.data()), kEFAULT);
}

HV_TEST(version_buffer_across_an_unmapped_page_is_efault) {
    const Window window;
    const Page page;
    HV_REQUIRE(window.usable());
    HV_REQUIRE_EQ(window.map(0, entry(page.mfn(), kWritablePage)), 0);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, window.va(1) - 8), kEFAULT);
    HV_CHECK_EQ(hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, window.va(1) - XEN_EXTRAVERSION_LEN), 0);
    HV_REQUIRE_EQ(window.map(0, 0), 0);
}

HV_TEST(version_hypercall_keeps_the_other_registers) {
    u64 rax = __HYPERVISOR_xen_version, saved[6], rsp_difference = 0;
    asm volatile(
        "push %%rbp\n mov %%rsp, %%rbp\n mov $0x11, %%ebx\n mov $0x22, %%r12d\n mov $0x33, %%r13d\n mov $0x44, %%r14d\n"
        "mov $0x55, %%r15d\n push %[saved]\n xor %%edi, %%edi\n syscall\n pop %%rdi\n"
        "mov %%rbx, 0(%%rdi)\n mov %%r12, 8(%%rdi)\n mov %%r13, 16(%%rdi)\n mov %%r14, 24(%%rdi)\n mov %%r15, 32(%%rdi)\n"
        "sub %%rsp, %%rbp\n mov %%rbp, 40(%%rdi)\n pop %%rbp\n"
        : "+a"(rax)
        : [saved] "D"(saved)
        : "rsi", "rdx", "rcx", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
    rsp_difference = saved[5];
    HV_CHECK_EQ(rax, 0x00040011);
    for (unsigned i = 0; i < 5; ++i) HV_CHECK_EQ(saved[i], 0x11 * (i + 1));
    HV_CHECK_EQ(rsp_difference, 0);
}

}  // namespace hospes::guest
