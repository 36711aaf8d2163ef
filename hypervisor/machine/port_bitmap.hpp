// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

// Opens the ports in every pcpu's I/O bitmap that the hardware domain's kernel reaches without a trap (core/pv/port_io.hpp). Call it
// again after deny_ports().
void refresh_port_bitmap();

}  // namespace hospes
