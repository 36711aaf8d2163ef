// SPDX-License-Identifier: Apache-2.0
// Which domains there are: the hypervisor knows, xenstore has their names. Needs no hospesd.
#pragma once

#include "dom0-tools/control/domain_record.hpp"
#include "dom0-tools/ports/privcmd.hpp"

#include <string>
#include <vector>

namespace hospes::control {

enum class DomainState : std::uint8_t { running, paused, shut_down, crashed, dying };

std::string_view to_string(DomainState state);
DomainState state_of(DomainInfo const& info);

struct DomainSummary {
    DomId id;
    std::string name;       ///< empty when the store does not say
    Uuid uuid;
    DomainState state = DomainState::running;
    unsigned vcpus = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t cpu_time_ns = 0;
    bool is_ours = false;   ///< created by hospes
};

/// All domains by rising number. `store` may be nullptr when xenstored does not answer: names are empty then.
Result<std::vector<DomainSummary>> list_domains(Privcmd& privcmd, xenstore::StoreView const* store);

/// The domain with this name or number. ENOENT names the ones that there are.
Result<DomainSummary> find_domain(Privcmd& privcmd, xenstore::StoreView const* store, std::string const& name_or_id);

}  // namespace hospes::control
