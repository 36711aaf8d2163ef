// SPDX-License-Identifier: Apache-2.0
// hospes-xenstore: xenstore-ls, xenstore-read and the others in one program.
#include "xenstore/tools/tool.hpp"
#include "xenstore/wire/strings.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace hospes::xenstore::tools {

namespace {

constexpr std::string_view kLinkPrefix = "xenstore-";

int print_all_usage() {
    fmt::print(stderr, "usage: hospes-xenstore TOOL [OPTIONS] ..., or as xenstore-TOOL:\n");
    for (auto const& tool : all_tools()) fmt::print(stderr, "  {:<8} {:<26} {}\n", tool.name, tool.operands, tool.summary);
    return 1;
}

int print_usage(Tool const& tool) {
    auto letters = std::string{tool.options};
    std::erase(letters, ':');
    auto const options = letters.empty() ? std::string{} : fmt::format(" [-{}s]", letters);
    fmt::print(stderr, "usage: xenstore-{}{} {}\n  {}\n", tool.name, options, tool.operands, tool.summary);
    return 1;
}

// Reads options and operands; `argv[0]` is not looked at. Nothing if they make no sense.
std::optional<Invocation> parse(Tool const& tool, int argc, char** argv) {
    Invocation invocation{.tool = tool.name, .options = {}, .operands = {}};
    // -s (use the socket) is what Debian's tools know and what is done anyway. No option after the first operand: it may be a value.
    auto const letters = fmt::format("+s{}", tool.options);
    for (int letter = 0; (letter = ::getopt(argc, argv, letters.c_str())) != -1;) {
        if (letter == '?') return std::nullopt;
        if (letter == 'n') {
            auto const count = parse_number<unsigned>(optarg);
            if (!count) return std::nullopt;
            invocation.watch_limit = static_cast<int>(*count);
        }
        invocation.options += static_cast<char>(letter);
    }
    invocation.operands.assign(argv + optind, argv + argc);
    auto const count = invocation.operands.size();
    if (count < tool.least_operands || count > tool.most_operands) return std::nullopt;
    return invocation;
}

Result<int> run(Tool const& tool, Invocation const& invocation) {
    auto client = HV_TRY(Client::open());
    return tool.run(client, invocation);
}

int run(int argc, char** argv) {
    std::string_view name = argv[0];
    name.remove_prefix(name.rfind('/') + 1);
    if (name.starts_with(kLinkPrefix)) {
        name.remove_prefix(kLinkPrefix.size());
    } else {
        if (argc < 2) return print_all_usage();
        name = argv[1];
        --argc;
        ++argv;
    }
    auto const* tool = find_tool(name);
    if (!tool) return print_all_usage();
    auto const invocation = parse(*tool, argc, argv);
    if (!invocation) return print_usage(*tool);
    auto const status = run(*tool, *invocation);
    if (status) return *status;
    fmt::print(stderr, "xenstore-{}: {}\n", tool->name, status.error().message());
    return 1;
}

}  // namespace

}  // namespace hospes::xenstore::tools

int main(int argc, char** argv) { return hospes::xenstore::tools::run(argc, argv); }
