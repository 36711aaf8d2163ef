// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/daemon.hpp"

#include "dom0-tools/backend/store_connection.hpp"
#include "dom0-tools/base/log.hpp"
#include "xenstore/client/on_event_loop.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <csignal>

namespace hospes::backend {
namespace {

constexpr int kConnectAttempts = 100;

Status run(std::function<Status(Ports, std::function<void()> const&)> const& body, OpenEventChannels const& open_events) {
    EventLoop loop;
    auto const store = HV_TRY(connect_to_store(kConnectAttempts));
    auto const events = HV_TRY(open_events(loop));
    auto const grants = HV_TRY(open_grants());
    bool is_lost = false;
    auto const store_watch = HV_TRY(xenstore::watch_client(loop, store, [&](Error const& error) {
        spdlog::error("xenstored is lost: {}", error.message());
        is_lost = true;
        loop.stop();
    }));
    auto const on_term = HV_TRY(loop.watch_signal(SIGTERM, [&] { loop.stop(); }));
    auto const on_interrupt = HV_TRY(loop.watch_signal(SIGINT, [&] { loop.stop(); }));
    std::signal(SIGPIPE, SIG_IGN);
    HV_TRY(body(Ports{loop, store, *events, *grants}, [&] { loop.run(); }));
    if (is_lost) return fail(EPIPE, "stopped, to be started again by the supervisor");
    return {};
}

}  // namespace

int run_daemon(std::string_view program, int argc, char** argv, std::function<Status(Ports, std::function<void()> const& serve)> const& body,
               OpenEventChannels const& open_events) {
    CLI::App app{std::string{program}};
    std::string level = "info";
    std::string file;
    app.add_option("--log-level", level, "trace, debug, info, warn or error")->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
    app.add_option("--log-file", file, "a file that gets the log as well as standard error does");
    CLI11_PARSE(app, argc, argv);

    set_up_log(program, level, file);
    auto const status = run(body, open_events);
    if (!status) spdlog::error("{}", status.error().message());
    spdlog::info("stopped");
    return status ? 0 : 1;
}

}  // namespace hospes::backend
