// SPDX-License-Identifier: Apache-2.0
// consoled: serves the console ring of every domain. Logs in /var/log/hospes/console, socket /run/hospes/consoled.sock.
#include "dom0-tools/backend/daemon.hpp"
#include "dom0-tools/consoled/server.hpp"

namespace {

using namespace hospes;

constexpr char const* kLogDirectory = "/var/log/hospes/console";
constexpr char const* kSocket = "/run/hospes/consoled.sock";

Status serve(backend::Ports ports, std::function<void()> const& run) {
    consoled::Server* waiting = nullptr;
    consoled::ConsoleList consoles{{ports.loop, ports.events, ports.grants, kLogDirectory}, ports.store, [&] { waiting->serve_waiting(); }};
    consoled::Server server{ports.loop, consoles};
    waiting = &server;
    HV_TRY(server.listen(kSocket));
    HV_TRY(consoles.start());
    run();
    return {};
}

}  // namespace

int main(int argc, char** argv) { return hospes::backend::run_daemon("consoled", argc, argv, serve); }
