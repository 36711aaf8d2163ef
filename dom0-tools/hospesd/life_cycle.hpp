// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/domain_control.hpp"

#include <chrono>
#include <optional>
#include <span>

namespace hospes::hospesd {

/// Does what a domain's description says about its end: on_poweroff, on_reboot, on_crash. All it knows it reads from the
/// hypervisor and from xenstore each time, so that it makes no difference when hospesd was started.
class LifeCycle {
public:
    LifeCycle(Privcmd& privcmd, xenstore::Client& store, control::DomainControl& control)
        : privcmd_{privcmd}, store_{store}, control_{control} {}

    /// When to look again, though nothing has ended: a domain waits for its restart. Nothing: none does.
    using Wait = std::optional<std::chrono::milliseconds>;

    /// Looks at all domains of ours. To be called when xenstored says that one has ended.
    Result<Wait> look();

    /// The same, to be called at the start: goes on with the restarts that a killed hospesd has left.
    Status take_over();

private:
    Result<Wait> look_at(DomId domain, std::optional<DomainInfo> const& info);
    Result<Wait> end_of(DomId domain, control::DomainRecord const& record, unsigned reason);
    Status restart(DomId domain, control::DomainRecord const& record);
    Status start_again(control::DomainRecord const& record);
    Status go_on_with_restart(std::string const& path, std::span<DomainInfo const> infos);

    Privcmd& privcmd_;
    xenstore::Client& store_;
    control::DomainControl& control_;
};

}  // namespace hospes::hospesd
