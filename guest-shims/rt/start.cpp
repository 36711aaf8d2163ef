// SPDX-License-Identifier: Apache-2.0
#include "guest.hpp"

extern "C" [[noreturn]] void guest_main(const start_info_t *info);

using namespace hospes::guest;

void guest_main(const start_info_t *info) {
    machine_init(info);
    console_init();
    event_init();
    trap_init();
    run();
    char end[16];
    const bool given = option_text("end", end, sizeof end);
    if (given && text_equal(end, "reboot")) shutdown(SHUTDOWN_reboot);
    if (given && text_equal(end, "crash")) shutdown(SHUTDOWN_crash);
    shutdown(SHUTDOWN_poweroff);
}
