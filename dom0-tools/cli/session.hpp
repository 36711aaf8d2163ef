// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/domain_list.hpp"
#include "dom0-tools/ports/privcmd_linux.hpp"
#include "xenstore/client/client.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace hospes::cli {

/// The hypervisor, and the store if xenstored answers. Nothing of it needs hospesd.
class Session {
public:
    static Result<Session> open();

    Privcmd& privcmd() { return privcmd_; }
    /// nullptr when xenstored does not answer.
    xenstore::Client* store() { return store_ ? &*store_ : nullptr; }
    /// The error says that xenstored does not answer.
    Result<xenstore::Client*> require_store();

    Result<std::vector<control::DomainSummary>> domains() { return control::list_domains(privcmd_, store()); }
    Result<control::DomainSummary> find(std::string const& name_or_id) {
        return control::find_domain(privcmd_, store(), name_or_id);
    }

private:
    Session(LinuxPrivcmd privcmd, Result<xenstore::Client> store);
    LinuxPrivcmd privcmd_;
    std::optional<xenstore::Client> store_;
    std::string store_error_;
};

/// Any domain but dom0, which nobody tells to `what` ("pause") from here.
Result<control::DomainSummary> find_guest(Session& session, std::string const& name, std::string_view what);

nlohmann::json to_json(control::DomainSummary const& domain);
void print_json(nlohmann::json const& value);

}  // namespace hospes::cli
