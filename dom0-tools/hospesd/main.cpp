// SPDX-License-Identifier: Apache-2.0
// hospesd: creates domains and does for them what their description says about their end. It may be killed at any time:
// what it has to know is in xenstore and in the hypervisor.
#include "dom0-tools/base/log.hpp"
#include "dom0-tools/control/domain_control.hpp"
#include "dom0-tools/hospesd/life_cycle.hpp"
#include "dom0-tools/hospesd/requests.hpp"
#include "dom0-tools/hospesd/server.hpp"
#include "dom0-tools/control/socket_path.hpp"
#include "dom0-tools/ports/privcmd_linux.hpp"
#include "xenstore/client/on_event_loop.hpp"

#include <spdlog/spdlog.h>

#include <csignal>

namespace hospes::hospesd {
namespace {

// dom0 has a name like every other domain, and so has the only pool of processors, without which xl finds no scheduler.
Status name_control_domain(xenstore::Client& store) {
    auto const path = control::domain_path(kDomIdDom0);
    if (!HV_TRY(store.exists(path + "/name"))) HV_TRY(store.write(path + "/name", "Domain-0"));
    if (!HV_TRY(store.exists(path + "/domid"))) HV_TRY(store.write(path + "/domid", "0"));
    if (!HV_TRY(store.exists("/local/pool/0/name"))) HV_TRY(store.write("/local/pool/0/name", "Pool-0"));
    return {};
}

Status run() {
    auto privcmd = HV_TRY(LinuxPrivcmd::open());
    auto store = HV_TRY(control::open_store());
    HV_TRY(name_control_domain(store));
    control::DomainControl control{privcmd, store, {}, control::ImageCache{control::kKernelCacheFolder}, {}};
    HV_TRY(control.undo_unfinished_creates());
    LifeCycle life_cycle{privcmd, store, control};
    EventLoop loop;
    Status outcome;
    // In a turn of its own: the event may arrive while a create waits for its backends. And requests come in between, even if
    // domains end one after the other for ever.
    NextTurn soon;
    auto later = loop.make_timer([&] { soon.ask(); });
    soon = loop.make_next_turn([&] {
        auto const wait = life_cycle.look();
        if (!wait) spdlog::error("{}", wait.error().message());
        else if (*wait) later.start(**wait);
    });
    auto const watch = HV_TRY(store.watch("@releaseDomain", [&](std::string_view) { soon.ask(); }));
    auto const events = HV_TRY(xenstore::watch_client(loop, store, [&](Error const& error) {
        outcome = std::unexpected(error.within("the connection to xenstored is lost"));
        loop.stop();
    }));
    auto const terminate = HV_TRY(loop.watch_signal(SIGTERM, [&] { loop.stop(); }));
    Server server{loop, [&](std::string const& line) { return answer(control, line); }};
    HV_TRY(server.listen(control::kSocketPath));
    if (auto const taken_over = life_cycle.take_over(); !taken_over) spdlog::error("{}", taken_over.error().message());
    soon.ask();  // for what has to wait
    spdlog::info("serving {}", control::kSocketPath);
    loop.run();
    return outcome;
}

}  // namespace
}  // namespace hospes::hospesd

int main() {
    hospes::set_up_log("hospesd");
    auto const outcome = hospes::hospesd::run();
    if (outcome) return 0;
    spdlog::error("{}", outcome.error().message());
    return 1;
}
