// SPDX-License-Identifier: Apache-2.0
// Completion for bash, made from the verbs' table; the domains' names come from `hospes list --json`.
#include "dom0-tools/cli/verbs.hpp"

namespace hospes::cli {
namespace {

std::string names_of(auto const& has) {
    std::string names;
    for (auto const& verb : verbs()) {
        if (has(verb)) names += fmt::format("{}{}", names.empty() ? "" : "|", verb.name);
    }
    return names;
}

std::string all_names() {
    std::string names;
    for (auto const& verb : verbs()) names += fmt::format("{} ", verb.name);
    return names;
}

}  // namespace

Status completion(Arguments const&) {
    auto const takes_domain = names_of([](Verb const& verb) {
        return verb.operand == Operand::domain || verb.operand == Operand::optional_domain;
    });
    auto const takes_file = names_of([](Verb const& verb) { return verb.operand == Operand::file; });
    fmt::print(R"bash(_hospes() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}}
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "{0}" -- "$word")); return; fi
  case $verb in
  {1}) COMPREPLY=($(compgen -W "$(hospes list 2>/dev/null | awk 'NR>1 && $2!=0 {{print $1}}')" -- "$word")) ;;
  {2}) COMPREPLY=($(compgen -f -X '!*.xml' -- "$word")) ;;
  help) COMPREPLY=($(compgen -W "{0}" -- "$word")) ;;
  esac
}}
complete -o filenames -F _hospes hospes
)bash", all_names(), takes_domain, takes_file);
    return {};
}

}  // namespace hospes::cli
