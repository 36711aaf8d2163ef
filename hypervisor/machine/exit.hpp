// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

// The only way out of the core: does what is due, chooses a vcpu (or idles), delivers its events and returns to it.
// Nothing with a destructor may be alive in the caller.
[[noreturn]] void exit_to_guest();

}  // namespace hospes
