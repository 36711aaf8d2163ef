// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/domain_control.hpp"

namespace hospes::hospesd {

/// Does what a domain's description says about its end: on_poweroff, on_reboot, on_crash. All it knows it reads from the
/// hypervisor and from xenstore each time, so that it makes no difference when hospesd was started.
class LifeCycle {
public:
    LifeCycle(Privcmd& privcmd, xenstore::Client& store, control::DomainControl& control)
        : privcmd_{privcmd}, store_{store}, control_{control} {}

    /// Looks at all domains of ours. To be called when xenstored says that one has ended, and at the start.
    Status look();

private:
    Status look_at(DomId domain, std::optional<DomainInfo> const& info);
    Status end_of(DomId domain, control::DomainRecord const& record, unsigned reason);
    Status restart(DomId domain, control::DomainRecord const& record);

    Privcmd& privcmd_;
    xenstore::Client& store_;
    control::DomainControl& control_;
};

}  // namespace hospes::hospesd
