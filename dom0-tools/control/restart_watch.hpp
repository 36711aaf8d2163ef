// SPDX-License-Identifier: Apache-2.0
// Has a domain that was told to reboot come back? hospesd ends it and creates it anew, with another number and the same uuid.
#pragma once

#include "dom0-tools/control/domain_list.hpp"

namespace hospes::control {

class RestartWatch {
public:
    RestartWatch(Privcmd& privcmd, xenstore::StoreView const& store, DomainSummary domain)
        : privcmd_{privcmd}, store_{store}, domain_{std::move(domain)} {}

    /// One look. ECANCELED: it has ended and will not come back. A domain that hospes did not create has only to end.
    Result<bool> is_back();

private:
    Result<bool> is_old_one_there(std::span<DomainInfo const> infos) const;

    Privcmd& privcmd_;
    xenstore::StoreView const& store_;
    DomainSummary domain_;
    bool was_missed_ = false;  // at the look before
};

}  // namespace hospes::control
