// SPDX-License-Identifier: Apache-2.0
// The 2-level layout (xen/xen.h, shared_info): a pending and a mask bit a port in shared_info, and in each vcpu_info a selector whose bit n
// says that word n of the pending bits is worth a look. Every domain starts with it.
#pragma once

#include "hypervisor/core/event/port_words.hpp"

namespace hospes {

class TwoLevelWords final : public PortWords {
public:
    constexpr TwoLevelWords() = default;

    u32 port_count() const override { return 4096; }
    void set_pending(Domain& domain, EventPort port, Vcpu* target) const override;
    void clear_pending(Domain& domain, EventPort port) const override;
    bool is_pending(Domain& domain, EventPort port) const override;
    void unmask(Domain& domain, EventPort port, Vcpu* target) const override;
};

extern constinit TwoLevelWords const kTwoLevelWords;

}  // namespace hospes
