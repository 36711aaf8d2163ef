// SPDX-License-Identifier: Apache-2.0
// The domains that share the processor with the guest.
#pragma once
#include "rt/guest.hpp"
#include "rt/small_domain.hpp"

namespace hospes::guest {

/// What a player runs.
extern "C" {
void player_spin();  // for ever
void player_echo();  // polls its port, and sends it when it has become pending
extern const char player_code[], player_code_end[];
}

class Player : public SmallDomain {
public:
    Player() : SmallDomain(SmallCode{player_code, player_code_end}) {}

    /// `port`: of its own, for player_echo.
    long load(void (*code)(), EventPort port = {}) const;
    /// Nanoseconds its vcpu has run.
    u64 cpu_time() const;
    /// `cap`: percent of a processor; 0: none.
    long set_share(u16 weight, u16 cap) const;
};

}  // namespace hospes::guest
