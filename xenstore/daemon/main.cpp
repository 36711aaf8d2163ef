// SPDX-License-Identifier: Apache-2.0
// xenstored: wires everything once, then serves until it is told to end.
#include "dom0-tools/base/log.hpp"
#include "dom0-tools/ports/privcmd_linux.hpp"
#include "xenstore/daemon/hypervisor_host.hpp"
#include "xenstore/daemon/options.hpp"
#include "xenstore/daemon/service.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

namespace hospes::xenstore {

namespace {

// Without a hypervisor: any domain exists, none can be connected to.
class SocketOnlyHost final : public DomainHost {
public:
    std::optional<DomainState> state_of(DomId) override { return DomainState{}; }
    Result<std::unique_ptr<DomainLink>> open_link(DomId domain, Receiver&) override {
        return fail(ENODEV, "domain {} has no ring: xenstored runs with --no-hypervisor", domain.raw());
    }
};

// What is in the store before anybody comes.
void fill_in_defaults(Server& server) {
    auto const path = Path::parse("/tool/xenstored", "/");
    server.tree().create(*path, "", std::nullopt);
}

Status serve_socket(Service& service, std::string const& path) {
    std::error_code problem;
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), problem);
    if (problem) return fail(problem.value(), "directory of the socket {}: {}", path, problem.message());
    auto listener = HV_TRY(listen_at(path));
    HV_TRY(service.listen(std::move(listener)));
    spdlog::info("listening at {}", path);
    return {};
}

Status run_loop(EventLoop& loop) {
    auto const stop = [&loop] { loop.stop(); };
    auto const on_terminate = HV_TRY(loop.watch_signal(SIGTERM, stop));
    auto const on_interrupt = HV_TRY(loop.watch_signal(SIGINT, stop));
    loop.run();
    spdlog::info("told to end");
    return {};
}

Status run_without_hypervisor(Options const& options) {
    EventLoop loop;
    auto* const ring = HV_TRY(CompletionRing::open(loop));
    FlushList flushes;
    SocketOnlyHost host;
    Server server{host, options.quotas};
    Service service{loop, *ring, server, flushes};
    fill_in_defaults(server);
    HV_TRY(serve_socket(service, options.socket));
    return run_loop(loop);
}

Status run_on_hypervisor(Options const& options) {
    EventLoop loop;
    auto* const ring = HV_TRY(CompletionRing::open(loop));
    FlushList flushes;
    auto const channels = HV_TRY(open_event_channels(*ring));
    auto const grants = HV_TRY(open_grants());
    auto privcmd = HV_TRY(LinuxPrivcmd::open());
    HypervisorHost host{{*channels, *grants, privcmd}, loop, flushes};
    Server server{host, options.quotas};
    Service service{loop, *ring, server, flushes};
    host.after_turn = [&] { service.end_turn(); };
    fill_in_defaults(server);

    HV_TRY(host.watch_domains([&] {
        server.domains().scan();
        service.end_turn();
    }));
    auto const port = HV_TRY(control_domain_port());
    if (!server.domains().introduce(kDomIdDom0, port)) return fail(EIO, "the control domain's own ring cannot be had; the log says why");
    HV_TRY(serve_socket(service, options.socket));
    return run_loop(loop);
}

int run(Options const& options) {
    set_up_log("xenstored", options.log_level, options.log_file);
    auto const ended = options.use_hypervisor ? run_on_hypervisor(options) : run_without_hypervisor(options);
    if (ended) return 0;
    spdlog::critical("{}", ended.error().message());
    return 1;
}

}  // namespace

}  // namespace hospes::xenstore

int main(int argc, char** argv) {
    auto const options = hospes::xenstore::parse_options(argc, argv);
    return options ? hospes::xenstore::run(*options) : options.error();
}
