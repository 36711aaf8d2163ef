// SPDX-License-Identifier: Apache-2.0
// What is asked of a domain, and what its description says about its end.
#include "dom0-tools/control/domain_control.hpp"

namespace hospes::control {

Status ask_kernel(xenstore::StoreView const& store, DomId domain, std::string const& what) {
    auto const path = domain_path(domain) + "/control";
    auto const offered = HV_TRY(store.read_if_present(fmt::format("{}/feature-{}", path, what)));
    if (offered == "1") return store.write(path + "/shutdown", what);
    return fail(ENOTSUP, "its kernel does not listen to a request to {} (it is still booting, or it cannot); to end it at "
                "once use 'hospes destroy'", what);
}

std::optional<LifecycleAction> action_for(DomainConfig const& config, unsigned reason) {
    switch (reason) {
        case SHUTDOWN_poweroff: return config.on_poweroff;
        case SHUTDOWN_reboot:
        case SHUTDOWN_soft_reset: return config.on_reboot;
        case SHUTDOWN_crash:
        case SHUTDOWN_watchdog: return config.on_crash;
        default: return std::nullopt;
    }
}

Result<bool> is_preserved(xenstore::StoreView const& store, DomainInfo const& info) {
    auto const record = HV_TRY(read_record(store, info.id));
    if (!record) return true;  // not ours: nobody here will end it
    auto const description = HV_TRY(read_domain_xml(record->xml, record->file));
    auto const action = action_for(description.config, info.shutdown_reason);
    return !action || action == LifecycleAction::preserve;
}

Status check_kernel(DomainConfig const& config, std::string const& file) {
    HV_TRY(with_context(load_kernel(config.kernel.path, ImageCache{""}), "{}:{}: <kernel>", file, config.kernel.line));
    return {};
}

}  // namespace hospes::control
