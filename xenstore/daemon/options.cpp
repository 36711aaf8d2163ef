// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/options.hpp"

#include <CLI/CLI.hpp>

namespace hospes::xenstore {

std::expected<Options, int> parse_options(int argc, char** argv) {
    Options options;
    bool no_hypervisor = false;
    CLI::App app{"xenstored: the store in which domains and their devices find each other"};
    app.add_option("--socket", options.socket, "where programs of this domain connect")->capture_default_str();
    app.add_flag("--no-hypervisor", no_hypervisor, "serve the socket only, for tests: no domains, no rings");
    app.add_option("--log-file", options.log_file, "write the log there as well as to standard error");
    app.add_option("--log-level", options.log_level, "trace, debug, info, warn or error")->capture_default_str();
    for (auto const& row : kQuotaNames) {
        app.add_option(fmt::format("--quota-{}", row.name), options.quotas.*(row.limit), "of each unprivileged domain")->capture_default_str();
    }
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& error) {  // how CLI11 says anything but success
        return std::unexpected{app.exit(error)};
    }
    options.use_hypervisor = !no_hypervisor;
    return options;
}

}  // namespace hospes::xenstore
