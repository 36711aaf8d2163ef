// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

// Fills the interrupt descriptor table, which all pcpus share: vectors 3, 4 and 0x80 may be raised by INT n of a guest,
// NMI, #DF, #MC and #DB have stacks of their own.
void build_idt();
void load_idt_register();

}  // namespace hospes
