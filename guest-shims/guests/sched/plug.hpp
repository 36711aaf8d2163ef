// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rt/types.hpp"

namespace hospes::guest {

/// A domain of two vcpus on two processors, beside those that spin: each round pins them elsewhere and sends an event. Its first vcpu
/// brings the second one up (VCPUOP_up) and answers; the second one counts, and takes itself down. Prints how many answers came, and
/// how often the second vcpu ran: once at the start, and once a round.
void plug_and_unplug(u64 rounds);

}  // namespace hospes::guest
