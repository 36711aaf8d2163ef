// SPDX-License-Identifier: Apache-2.0
// The verbs that ask a domain's kernel to end.
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"
#include "dom0-tools/cli/wait.hpp"
#include "dom0-tools/control/domain_control.hpp"
#include "dom0-tools/control/restart_watch.hpp"

namespace hospes::cli {
namespace {

using control::DomainState;
using control::DomainSummary;

Result<bool> has_ended(Session& session, DomainSummary const& domain) {
    auto const info = HV_TRY(session.privcmd().domain_info(domain.id));
    if (!info || info->handle != domain.uuid.bytes) return true;
    // One that is preserved stays in the list, as it should.
    return info->is_shutdown && session.store() != nullptr && HV_TRY(control::is_preserved(*session.store(), *info));
}

Status check_listens(DomainSummary const& domain, std::string const& name) {
    switch (domain.state) {
        case DomainState::running: return {};
        case DomainState::paused: return fail(EBUSY, "domain {0} is paused and cannot hear; run 'hospes unpause {0}' first", name);
        case DomainState::shut_down:
        case DomainState::crashed: return fail(ESRCH, "domain {0} has ended already ({1}); 'hospes destroy {0}' removes it", name, to_string(domain.state));
        case DomainState::dying: return fail(ESRCH, "domain {} is being removed", name);
    }
    return {};
}

Result<DomainSummary> ask(Session& session, std::string const& name, std::string const& what, std::string const& request) {
    auto const domain = HV_TRY(find_guest(session, name, what));
    HV_TRY(check_listens(domain, name));
    auto* const store = HV_TRY(session.require_store());
    HV_TRY(with_context(control::ask_kernel(*store, domain.id, request), "domain {}", name));
    return domain;
}

}  // namespace

Status shutdown(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(ask(session, arguments.operand, "shut down", "poweroff"));
    if (!arguments.wait) return {};
    return wait_until(arguments.timeout_seconds, fmt::format("domain {} has not ended", arguments.operand),
                      [&] { return has_ended(session, domain); });
}

Status reboot(Arguments const& arguments) {
    auto session = HV_TRY(Session::open());
    auto const domain = HV_TRY(ask(session, arguments.operand, "reboot", "reboot"));
    if (!arguments.wait) return {};
    control::RestartWatch restart{session.privcmd(), *HV_TRY(session.require_store()), domain};
    return wait_until(arguments.timeout_seconds, fmt::format("domain {} has not started again", arguments.operand),
                      [&] { return restart.is_back(); });
}

}  // namespace hospes::cli
