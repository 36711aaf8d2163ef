// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/two_level.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"

namespace hospes {

constinit TwoLevelWords const kTwoLevelWords;

namespace {

constexpr u32 kPortsPerWord = 64;
static_assert(sizeof(shared_info_t::evtchn_pending) * 8 == 4096);

SharedWord<u64> pending_word(Domain& domain, EventPort port) {
    return SharedWord<u64>{domain.shared_info->evtchn_pending[port.raw() / kPortsPerWord]};
}

SharedWord<u64> mask_word(Domain& domain, EventPort port) {
    return SharedWord<u64>{domain.shared_info->evtchn_mask[port.raw() / kPortsPerWord]};
}

unsigned bit_of(EventPort port) { return port.raw() % kPortsPerWord; }

void select(Vcpu* target, EventPort port) {
    if (target != nullptr) raise_selector(*target, port.raw() / kPortsPerWord);
}

}  // namespace

void TwoLevelWords::set_pending(Domain& domain, EventPort port, Vcpu* target) const {
    if (pending_word(domain, port).test_and_set_bit(bit_of(port))) return;
    if (!mask_word(domain, port).test_bit(bit_of(port))) select(target, port);
    wake_pollers(domain, port);
}

void TwoLevelWords::clear_pending(Domain& domain, EventPort port) const {
    pending_word(domain, port).test_and_clear_bit(bit_of(port));
}

bool TwoLevelWords::is_pending(Domain& domain, EventPort port) const {
    return pending_word(domain, port).test_bit(bit_of(port));
}

// First the mask, then the look: a sender does it the other way round (pending, then the mask), so one of the two selects.
void TwoLevelWords::unmask(Domain& domain, EventPort port, Vcpu* target) const {
    if (!mask_word(domain, port).test_and_clear_bit(bit_of(port))) return;
    if (is_pending(domain, port)) select(target, port);
}

}  // namespace hospes
