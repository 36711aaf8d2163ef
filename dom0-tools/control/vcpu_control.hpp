// SPDX-License-Identifier: Apache-2.0
// The vcpus of a domain that exists: what they do, where they run, how many are in use.
#pragma once

#include "dom0-tools/control/domain_list.hpp"

namespace hospes::control {

enum class VcpuState : std::uint8_t { running, ready, blocked, paused, offline };
std::string_view to_string(VcpuState state);

struct VcpuSummary {
    VcpuId id;
    VcpuState state = VcpuState::offline;
    unsigned cpu = 0;  ///< where it runs or ran last
    std::uint64_t cpu_time_ns = 0;
    Affinity affinity;
};

/// All vcpus of a domain. Nothing for one that has none any more because it ends.
Result<std::vector<VcpuSummary>> list_vcpus(Privcmd& privcmd, DomainSummary const& domain);

/// Pins one vcpu, or all without `vcpu`; what is absent of `hard` and `soft` stays. EINVAL: no such vcpu, or no such processors.
Status pin_vcpus(Privcmd& privcmd, DomainSummary const& domain, std::optional<VcpuId> vcpu, std::optional<CpuSet> hard,
                 std::optional<CpuSet> soft);

/// Asks the domain's kernel to use `count` of its vcpus. A cap that its description gives to each vcpu follows, unless somebody has set
/// another one. ERANGE: the domain has fewer vcpus.
Status use_vcpus(Privcmd& privcmd, xenstore::Client& store, DomainSummary const& domain, unsigned count);

}  // namespace hospes::control
