// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/session.hpp"

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
    return fail(ENOTCONN, "xenstored does not answer ({}); start it, or see /var/log/hospes/xenstored.log", store_error_);
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
