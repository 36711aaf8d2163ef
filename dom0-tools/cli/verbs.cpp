// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/verbs.hpp"

#include <algorithm>
#include <array>

namespace hospes::cli {
namespace {

constexpr std::array kVerbs{
    Verb{"create", Operand::file, kJson | kConsole | kPaused | kStrict, "start a domain from an XML file", create},
    Verb{"list", Operand::none, kJson, "show all domains", list},
    Verb{"console", Operand::domain, kReadOnly, "attach to a domain's console; Ctrl-] leaves it", console},
    Verb{"info", Operand::optional_domain, kJson, "show the machine, or one domain with its devices", info},
    Verb{"vcpu-list", Operand::optional_domain, kJson, "show the vcpus: where they run, and where they may", vcpu_list},
    Verb{"vcpu-pin", Operand::domain, 0, "say on which processors a vcpu may run, and on which it would rather", vcpu_pin,
         {Operand::vcpu, Operand::cpus, Operand::optional_cpus}},
    Verb{"vcpu-set", Operand::domain, kWait | kTimeout, "say how many of its vcpus a domain uses", vcpu_set, {Operand::count}},
    Verb{"sched", Operand::optional_domain, kJson | kWeight | kCap, "show or set what share of the processors domains get", sched},
    Verb{"top", Operand::none, kJson | kBatch, "show what the domains use, again and again; Ctrl-C ends it", top},
    Verb{"dmesg", Operand::none, kJson, "show the hypervisor's own messages", dmesg},
    Verb{"pause", Operand::domain, 0, "stop a domain's vcpus", pause},
    Verb{"unpause", Operand::domain, 0, "let a paused domain run again", unpause},
    Verb{"shutdown", Operand::domain, kWait | kTimeout, "ask a domain's kernel to power off", shutdown},
    Verb{"reboot", Operand::domain, kWait | kTimeout, "ask a domain's kernel to start again", reboot},
    Verb{"destroy", Operand::domain, 0, "end a domain at once, as if its power failed", destroy},
    Verb{"check", Operand::file, kJson | kStrict, "check an XML file and what it names, without starting anything", check},
    Verb{"debug", Operand::debug_action, kJson, "check the hypervisor's tables, or have it show its state in dmesg", debug},
    Verb{"version", Operand::none, kJson, "show the versions of hospes and of the hypervisor", version},
    Verb{"completion", Operand::none, 0, "print completions for bash: . <(hospes completion)", completion},
    Verb{"help", Operand::optional_verb, 0, "show this, or how one verb is used", help},
};

}  // namespace

std::span<Verb const> verbs() { return kVerbs; }

Verb const* find_verb(std::string_view name) {
    auto const row = std::ranges::find(kVerbs, name, &Verb::name);
    return row == kVerbs.end() ? nullptr : &*row;
}

}  // namespace hospes::cli
