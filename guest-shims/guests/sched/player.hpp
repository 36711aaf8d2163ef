// SPDX-License-Identifier: Apache-2.0
// The domains that share the processor with the guest.
#pragma once
#include "rt/guest.hpp"
#include "rt/small_domain.hpp"

namespace hospes::guest {

/// What a player runs.
extern "C" {
void player_spin();  // for ever
void player_echo();    // polls its port, and sends it when it has become pending
void player_plug();    // the same; before it sends, it waits until its vcpu 1 is down, and brings it up
void player_unplug();  // for vcpu 1: adds one to the count in its data page and takes itself down, again and again
extern const char player_code[], player_code_end[];
}

class Player : public SmallDomain {
public:
    explicit Player(u32 vcpus = 1) : SmallDomain(SmallCode{player_code, player_code_end}, vcpus) {}

    /// What vcpu 0 runs. `port`: of its own, for player_echo and player_plug.
    long load(void (*code)(), EventPort port = {}) const;
    /// Vcpu 1 runs player_unplug.
    long load_second() const { return SmallDomain::load(player_unplug, 1); }
    /// Nanoseconds its vcpu has run.
    u64 cpu_time() const;
    /// `cap`: percent of a processor; 0: none.
    long set_share(u16 weight, u16 cap) const;
    /// The vcpu may run on this processor only.
    long pin(u32 vcpu, u64 pcpu) const;
    /// What player_unplug has counted.
    u64 count() const;
};

}  // namespace hospes::guest
