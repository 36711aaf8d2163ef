// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

struct Pcpu;

// Opens the ports in the pcpu's I/O bitmap that the hardware domain's kernel reaches without a trap (core/pv/port_io.hpp). All
// deny_ports() come before.
void open_ports(Pcpu& pcpu);

}  // namespace hospes
