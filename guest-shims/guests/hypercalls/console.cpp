// SPDX-License-Identifier: Apache-2.0
// console_io (hypercall 18).
#include "support.hpp"

namespace hospes::guest {

HV_TEST(console_write_returns_zero) {
    HV_SKIP_IF(!is_initial_domain(), "the console belongs to the initial domain");
    char text[] = "console_io says this line\n";
    HV_CHECK_EQ(hv::console_io(CONSOLEIO_write, sizeof text - 1, text), 0);
    HV_CHECK_EQ(hv::console_io(CONSOLEIO_write, 0, text), 0);
}

HV_TEST(console_write_of_several_pages_returns_zero) {
    HV_SKIP_IF(!is_initial_domain(), "the console belongs to the initial domain");
    static char text[5000];
    memset(text, ' ', sizeof text);
    text[sizeof text - 1] = '\n';
    HV_CHECK_EQ(hv::console_io(CONSOLEIO_write, sizeof text, text), 0);
}

HV_TEST(console_write_from_bad_buffers_is_efault) {
    HV_SKIP_IF(!is_initial_domain(), "the console belongs to the initial domain");
    for (const u64 bad : kBadPointers) HV_CHECK_EQ(hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 16, bad), kEFAULT);
}

HV_TEST(console_read_without_input_returns_zero) {
    HV_SKIP_IF(!is_initial_domain(), "the console belongs to the initial domain");
    char text[16];
    HV_CHECK_EQ(hv::console_io(CONSOLEIO_read, sizeof text, text), 0);
}

HV_TEST(console_unknown_commands_are_enosys) {
    HV_SKIP_IF(!is_initial_domain(), "the console belongs to the initial domain");
    char text[16];
    HV_CHECK_EQ(hv::console_io(2, sizeof text, text), kENOSYS);
    HV_CHECK_EQ(hv::console_io(0xffffffff, sizeof text, text), kENOSYS);
}

}  // namespace hospes::guest
