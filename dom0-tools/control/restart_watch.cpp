// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/restart_watch.hpp"

#include "dom0-tools/control/domain_control.hpp"
#include "dom0-tools/control/domain_record.hpp"

#include <algorithm>

namespace hospes::control {

Result<bool> RestartWatch::is_old_one_there(std::span<DomainInfo const> infos) const {
    auto const old = std::ranges::find(infos, domain_.id, &DomainInfo::id);
    if (old == infos.end() || old->handle != domain_.uuid.bytes) return false;
    if (old->is_dying && domain_.is_ours) return false;  // somebody may hold its memory long after the next one runs
    if (old->is_shutdown && HV_TRY(is_preserved(store_, *old))) {
        return fail(ECANCELED, "domain {} has shut down and is kept as it is, as its description says", domain_.name);
    }
    return true;
}

// The record of a restart is there from before the old domain goes until the new one runs. Between two questions everything may happen:
// only who is missed twice will not come.
Result<bool> RestartWatch::is_back() {
    auto const infos = HV_TRY(privcmd_.list_domains());
    if (HV_TRY(is_old_one_there(infos))) return false;
    if (!domain_.is_ours) return true;
    if (HV_TRY(store_.exists(restarting_path(domain_.uuid)))) {
        was_missed_ = false;
        return false;
    }
    bool const is_there = std::ranges::any_of(infos, [&](DomainInfo const& info) {
        return info.id != domain_.id && !info.is_dying && info.handle == domain_.uuid.bytes;
    });
    if (!is_there && was_missed_) {
        return fail(ECANCELED, "domain {} has ended and was not started again: its description says so (<on_reboot>), or it could not be; "
                    "hospesd's log says why", domain_.name);
    }
    was_missed_ = !is_there;
    return is_there;
}

}  // namespace hospes::control
