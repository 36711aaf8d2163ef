// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes {

// Warns when this processor lets guests read all memory; with option leaky_cpu=refuse, stops the machine.
void check_for_leaks();

}  // namespace hospes
