// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/session.hpp"

#include "dom0-tools/control/daemon_log.hpp"

namespace hospes::cli {

Session::Session(LinuxPrivcmd privcmd, Result<xenstore::Client> store) : privcmd_{std::move(privcmd)} {
    if (store) {
        store_.emplace(*std::move(store));
    } else {
        store_error_ = store.error().message();
    }
}

Result<Session> Session::open() { return Session{HV_TRY(LinuxPrivcmd::open()), control::open_store()}; }

Result<xenstore::Client*> Session::require_store() {
    if (store_) return &*store_;
    return fail(ENOTCONN, "xenstored does not answer ({}); start it, or see {}", store_error_, control::log_of("xenstored"));
}

Result<control::DomainSummary> find_guest(Session& session, std::string const& name, std::string_view what) {
    auto domain = HV_TRY(session.find(name));
    if (domain.id != kDomIdDom0) return domain;
    return fail(EPERM, "domain 0 is the control domain; it cannot be told to {} from here", what);
}

nlohmann::json to_json(control::DomainSummary const& domain) {
    return {{"id", domain.id.raw()},
            {"name", domain.name},
            {"uuid", to_string(domain.uuid)},
            {"state", control::to_string(domain.state)},
            {"vcpus", domain.vcpus},
            {"memory_bytes", domain.memory_bytes},
            {"cpu_time_ns", domain.cpu_time_ns},
            {"created_by_hospes", domain.is_ours}};
}

void print_json(nlohmann::json const& value) {
    fmt::print("{}\n", value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace hospes::cli
