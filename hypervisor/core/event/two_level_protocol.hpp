// SPDX-License-Identifier: Apache-2.0
// The order in which the 2-level layout's bits are looked at and changed, as templates over the bits of one port: the tests run every
// interleaving of these with a guest's own steps.
//
// `Bits` offers single atomic steps: test_and_set_pending, is_pending, is_masked, test_and_clear_mask, test_and_set_selector,
// test_and_set_upcall, and for what follows: kick_target, wake_pollers.
#pragma once

namespace hospes {

template <typename Bits>
void select_port(Bits& bits) {
    if (bits.test_and_set_selector()) return;
    if (!bits.test_and_set_upcall()) bits.kick_target();
}

template <typename Bits>
void set_port_pending(Bits& bits) {
    if (bits.test_and_set_pending()) return;
    if (!bits.is_masked()) select_port(bits);
    bits.wake_pollers();
}

// First the mask, then the look: a sender does it the other way round (pending, then the mask), so one of the two selects.
template <typename Bits>
void unmask_port(Bits& bits) {
    if (!bits.test_and_clear_mask()) return;
    if (bits.is_pending()) select_port(bits);
}

}  // namespace hospes
