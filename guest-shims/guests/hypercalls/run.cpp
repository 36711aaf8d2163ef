// SPDX-License-Identifier: Apache-2.0
// Tries every hypercall a PV guest may issue: with valid arguments, for each documented error, and with hostile ones.
#include "support.hpp"

namespace hospes::guest {

void run() {
    printk("hypercalls: %s domain, command line \"%s\"\n", is_initial_domain() ? "initial" : "ordinary",
           reinterpret_cast<const char *>(start_info().cmd_line));
    static_cast<void>(run_tests("hypercalls"));
}

}  // namespace hospes::guest
