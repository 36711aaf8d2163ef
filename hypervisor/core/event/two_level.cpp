// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/event/two_level.hpp"

#include "hypervisor/base/shared_word.hpp"
#include "hypervisor/core/domain/domain.hpp"
#include "hypervisor/core/event/poll.hpp"
#include "hypervisor/core/event/two_level_protocol.hpp"
#include "hypervisor/core/event/vcpu_events.hpp"

namespace hospes::two_level {
namespace {

constexpr u32 kPortsPerWord = 64;
static_assert(sizeof(shared_info_t::evtchn_pending) * 8 == kPorts);

// The bits of one port, for two_level_protocol.hpp.
class PortBits {
public:
    PortBits(Domain& domain, EventPort port, Vcpu* target)
        : domain_{domain},
          shared_{*domain.shared_info},
          port_{port},
          target_{target},
          word_{masked_index(port.raw(), kPorts) / kPortsPerWord},
          bit_{port.raw() % kPortsPerWord} {}

    bool test_and_set_pending() { return pending().test_and_set_bit(bit_); }
    bool test_and_clear_pending() { return pending().test_and_clear_bit(bit_); }
    bool is_pending() const { return pending().test_bit(bit_); }
    bool is_masked() const { return mask().test_bit(bit_); }
    bool test_and_clear_mask() { return mask().test_and_clear_bit(bit_); }
    // With no target to tell, all counts as told.
    bool test_and_set_selector() { return target_ == nullptr || test_and_set_vcpu_selector(*target_, word_); }
    bool test_and_set_upcall() { return test_and_set_upcall_pending(*target_); }
    void kick_target() { notice_upcall(*target_); }
    void wake_pollers() { hospes::wake_pollers(domain_, port_); }

private:
    SharedWord<u64> pending() const { return SharedWord<u64>{shared_.evtchn_pending[word_]}; }
    SharedWord<u64> mask() const { return SharedWord<u64>{shared_.evtchn_mask[word_]}; }

    Domain& domain_;
    shared_info_t& shared_;
    EventPort port_;
    Vcpu* target_;
    unsigned word_;
    unsigned bit_;
};

}  // namespace

void set_pending(Domain& domain, EventPort port, Vcpu* target) {
    PortBits bits{domain, port, target};
    set_port_pending(bits);
}

void clear_pending(Domain& domain, EventPort port) { PortBits{domain, port, nullptr}.test_and_clear_pending(); }

bool is_pending(Domain& domain, EventPort port) { return PortBits{domain, port, nullptr}.is_pending(); }

void unmask(Domain& domain, EventPort port, Vcpu* target) {
    PortBits bits{domain, port, target};
    unmask_port(bits);
}

}  // namespace hospes::two_level
