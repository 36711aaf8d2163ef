// SPDX-License-Identifier: Apache-2.0
// CONTROL: commands to the server itself, for people who look for what is wrong. One row each.
#include "xenstore/daemon/requests.hpp"
#include "xenstore/wire/strings.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace hospes::xenstore::requests {

namespace {

using Arguments = std::vector<std::string_view>;  // without the command itself
using Reply = WireResult<std::string>;

constexpr auto kInvalid = std::unexpected{WireError::invalid};
constexpr usize kTextMax = kPayloadMax - 1;

std::optional<DomId> domain_in(std::string_view text) {
    auto const number = parse_number<u16>(text);
    return number ? std::optional{DomId{*number}} : std::nullopt;
}

Reply check(Server& server, Arguments const&) {
    Ledger counted;
    auto const count = [&](Node const& node) {
        counted.charge(node.owner(), {1, static_cast<i64>(size_of(node))});
        return false;
    };
    server.tree().select(count, Tree::Below::look);
    return counted == server.tree().ledger() ? "OK" : "the count of nodes by owner is wrong";
}

Reply log(Server&, Arguments const& arguments) {
    if (arguments.size() != 1 || (arguments[0] != "on" && arguments[0] != "off")) return kInvalid;
    spdlog::set_level(arguments[0] == "on" ? spdlog::level::debug : spdlog::level::info);
    return "OK";
}

Reply print(Server&, Arguments const& arguments) {
    if (arguments.size() != 1) return kInvalid;
    spdlog::info("print: {}", arguments[0]);
    return "OK";
}

Reply set_quota(Server& server, Arguments const& arguments) {
    if (arguments.size() != 3) return kInvalid;
    auto const row = std::ranges::find(kQuotaNames, arguments[1], &QuotaName::name);
    auto const value = parse_number<u32>(arguments[2]);
    if (row == kQuotaNames.end() || !value) return kInvalid;
    server.quotas().*(row->limit) = *value;
    spdlog::info("quota {} is {} now", row->name, *value);
    return "OK";
}

Reply show_quota(Server& server, Arguments const& arguments) {
    std::string text;
    if (arguments.empty()) {
        for (auto const& row : kQuotaNames) text += fmt::format("{:<18} {:>9}\n", row.name, server.quotas().*(row.limit));
        return text;
    }
    auto const domain = domain_in(arguments[0]);
    if (!domain || arguments.size() != 1) return kInvalid;
    auto const usage = server.tree().ledger().of(*domain);
    text = fmt::format("Domain {}:\nnodes              {:>9}\nmemory             {:>9}\n", domain->raw(), usage.nodes, usage.bytes);
    for (auto const& [id, connection] : server.connections()) {
        if (connection->caller().domain != *domain) continue;
        text += fmt::format("watches            {:>9}\ntransactions       {:>9}\noutstanding        {:>9}\n", server.watches().count(id),
                            connection->transaction_count(), connection->output().size());
    }
    return text;
}

Reply quota(Server& server, Arguments const& arguments) {
    return !arguments.empty() && arguments[0] == "set" ? set_quota(server, arguments) : show_quota(server, arguments);
}

Reply memreport(Server& server, Arguments const&) {
    Usage total;
    for (auto const& row : server.tree().ledger().rows()) total += row.usage;
    return fmt::format("nodes {}\nbytes {}\nconnections {}\n", total.nodes, total.bytes, server.connections().size());
}

Reply list_watches(Server& server, Arguments const& arguments) {
    auto const wanted = arguments.empty() ? std::nullopt : domain_in(arguments[0]);
    if (!arguments.empty() && !wanted) return kInvalid;
    std::string text;
    for (auto const& [id, connection] : server.connections()) {
        if (wanted && connection->caller().domain != *wanted) continue;
        for (auto const* watch : server.watches().of(id)) text += fmt::format("{}: {} {}\n", connection->name(), watch->name, watch->token);
    }
    return text;
}

Reply trace(Server& server, Arguments const& arguments) {
    auto const domain = arguments.size() == 2 ? domain_in(arguments[1]) : std::nullopt;
    if (!domain) return kInvalid;
    if (arguments[0] == "on") {
        server.trace().start(*domain);
    } else if (arguments[0] == "off") {
        server.trace().stop(*domain);
    } else if (arguments[0] == "show") {
        return server.trace().show(*domain, kTextMax);
    } else {
        return kInvalid;
    }
    return "OK";
}

Reply help(Server& server, Arguments const& arguments);

struct Command {
    std::string_view name;
    std::string_view usage;
    Reply (*run)(Server& server, Arguments const& arguments);
};

constexpr std::array kCommands{
    Command{"check", "compare the count of nodes by owner with the tree", check},
    Command{"help", "this list", help},
    Command{"hospes.trace", "on|off|show <domid>: the last messages of a domain", trace},
    Command{"hospes.watches", "[<domid>]: who watches what", list_watches},
    Command{"log", "on|off: log connections", log},
    Command{"memreport", "nodes, bytes, connections", memreport},
    Command{"print", "<text>: write a line to the log", print},
    Command{"quota", "[set <name> <value> | <domid>]: limits, or what a domain uses", quota},
};

Reply help(Server&, Arguments const&) {
    std::string text;
    for (auto const& command : kCommands) text += fmt::format("{:<15} {}\n", command.name, command.usage);
    return text;
}

}  // namespace

WireResult<std::string> control(Request& request) {
    auto arguments = split_strings(request.payload);
    if (!arguments || arguments->empty()) return kInvalid;
    auto const command = std::ranges::find(kCommands, arguments->front(), &Command::name);
    if (command == kCommands.end()) return kInvalid;
    arguments->erase(arguments->begin());
    auto const text = command->run(request.server, *arguments);
    if (!text) return text;
    std::string reply;
    append_string(reply, std::string_view{*text}.substr(0, kTextMax));
    return reply;
}

}  // namespace hospes::xenstore::requests
