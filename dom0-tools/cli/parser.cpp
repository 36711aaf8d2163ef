// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/parser.hpp"

#include "dom0-tools/control/spelling.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <CLI/CLI.hpp>
#pragma GCC diagnostic pop

#include <algorithm>

namespace hospes::cli {
namespace {

struct OptionRow {
    Option option;
    char const* flags;
    char const* help;
    bool Arguments::*flag;
};

constexpr std::array kOptionRows{
    OptionRow{kJson, "--json", "print JSON", &Arguments::json},
    OptionRow{kConsole, "-c,--console", "attach to its console", &Arguments::console},
    OptionRow{kPaused, "-p,--paused", "leave it paused", &Arguments::paused},
    OptionRow{kWait, "-w,--wait", "wait until it has happened", &Arguments::wait},
    OptionRow{kStrict, "--strict", "refuse what would have no effect", &Arguments::strict},
    OptionRow{kReadOnly, "--ro", "only look", &Arguments::read_only},
    OptionRow{kBatch, "-b,--batch", "print one table below the other", &Arguments::batch},
};

struct NumberRow {
    Option option;
    char const* flags;
    char const* help;
    unsigned least;
    unsigned most;
    std::optional<unsigned> Arguments::*number;
};

constexpr std::array kNumberRows{
    NumberRow{kWeight, "-w,--weight", "weight against other domains (256 is usual)", 1, 65535, &Arguments::weight},
    NumberRow{kCap, "-c,--cap", "most percent of a processor, all vcpus together; 0: no limit", 0, 6400, &Arguments::cap},
    NumberRow{kBatch, "-n,--iterations", "how many tables, then end", 1, 1'000'000, &Arguments::iterations},
};

struct OperandRow {
    Operand operand;
    char const* name;
    char const* help;
    bool required;
};

constexpr std::array kOperandRows{
    OperandRow{Operand::domain, "DOMAIN", "a domain's name or number", true},
    OperandRow{Operand::optional_domain, "DOMAIN", "a domain's name or number", false},
    OperandRow{Operand::file, "FILE.xml", "a domain's description", true},
    OperandRow{Operand::optional_verb, "VERB", "one of the verbs", false},
    OperandRow{Operand::debug_action, "ACTION", "check: recount all frames; keys: press debug keys", true},
    OperandRow{Operand::vcpu, "VCPU", "a vcpu's number, or all", true},
    OperandRow{Operand::cpus, "CPUS", "where it may run, as 0-3,^2 or all; - leaves that as it is", true},
    OperandRow{Operand::optional_cpus, "SOFT", "where it would rather run, likewise", false},
    OperandRow{Operand::count, "COUNT", "how many, or all", true},
};

void add_operand(CLI::App& sub, Operand kind, std::string& word) {
    auto const row = std::ranges::find(kOperandRows, kind, &OperandRow::operand);
    if (row != kOperandRows.end()) sub.add_option(row->name, word, row->help)->required(row->required);
}

void add_verb(CLI::App& app, Verb const& verb, Command& command) {
    auto* const sub = app.add_subcommand(std::string{verb.name}, std::string{verb.summary});
    for (auto const& row : kOptionRows) {
        if ((verb.options & row.option) != 0) sub->add_flag(row.flags, command.arguments.*row.flag, row.help);
    }
    if ((verb.options & kTimeout) != 0) {
        sub->add_option("--timeout", command.arguments.timeout_seconds, "how many seconds --wait waits")
            ->capture_default_str();
    }
    for (auto const& row : kNumberRows) {
        if ((verb.options & row.option) == 0) continue;
        sub->add_option(row.flags, command.arguments.*row.number, row.help)->check(CLI::Range(row.least, row.most));
    }
    if ((verb.options & kBatch) != 0) {
        sub->add_option("-d,--delay", command.arguments.delay_seconds, "seconds from table to table")->check(CLI::Range(1u, 3600u))
            ->capture_default_str();
    }
    add_operand(*sub, verb.operand, command.arguments.operand);
    for (std::size_t i = 0; i < verb.more.size(); ++i) add_operand(*sub, verb.more[i], command.arguments.more[i]);
    if (verb.operand == Operand::debug_action) {
        sub->add_option("KEYS", command.arguments.keys, "the keys to press; h lists them in dmesg");
    }
    sub->callback([&command, &verb] { command.verb = &verb; });
}

// only: the verb that is used, as the others need not be known then; nullptr: all of them.
void set_up(CLI::App& app, Command& command, Verb const* only) {
    app.name("hospes");
    app.require_subcommand(1);
    app.get_formatter()->column_width(24);
    for (auto const& verb : verbs()) {
        if (only == nullptr || only == &verb) add_verb(app, verb, command);
    }
}

// CLI11 knows an unknown verb only as a surplus word.
std::string unknown_verb(std::string const& word) {
    std::vector<std::string_view> names;
    std::ranges::transform(verbs(), std::back_inserter(names), &Verb::name);
    auto const nearest = control::nearest_spelling(word, names);
    return fmt::format("hospes: there is no verb '{}'{}; 'hospes help' shows all\n", word,
                       nearest ? fmt::format("; did you mean '{}'?", *nearest) : "");
}

Command instead(std::string text, int exit_status) {
    Command command;
    command.text = std::move(text);
    command.exit_status = exit_status;
    return command;
}

}  // namespace

Command parse(std::vector<std::string> words) {
    Command command;
    if (words.empty()) return instead(help_text(nullptr), kUsageStatus);
    if (!words.front().starts_with('-') && find_verb(words.front()) == nullptr) {
        return instead(unknown_verb(words.front()), kUsageStatus);
    }
    CLI::App app{"Starts, shows and ends the domains of this machine."};
    auto const first = words.front();
    set_up(app, command, find_verb(first));
    std::ranges::reverse(words);  // CLI11 takes them from the back
    try {
        app.parse(words);
    } catch (CLI::CallForHelp const&) {
        return instead(help_text(find_verb(first)), 0);
    } catch (CLI::ParseError const& error) {
        return instead(fmt::format("hospes: {}; 'hospes help {}' shows how it is used\n", error.what(), first), kUsageStatus);
    }
    return command;
}

std::string help_text(Verb const* verb) {
    Command unused;
    CLI::App app{"Starts, shows and ends the domains of this machine."};
    set_up(app, unused, nullptr);
    return verb == nullptr ? app.help() : app.get_subcommand(std::string{verb->name})->help("hospes");
}

}  // namespace hospes::cli
