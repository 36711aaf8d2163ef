// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/dialect.hpp"
#include "dom0-tools/control/domain_xml.hpp"
#include "dom0-tools/control/spelling.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hospes::control {
namespace {

// "domain/os/type" as people see it: <domain><os><type>.
std::string shown(std::string_view path) {
    std::string out;
    for (std::size_t start = 0; start <= path.size();) {
        auto const end = std::min(path.find('/', start), path.size());
        out += fmt::format("<{}>", path.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

std::vector<std::string_view> split_values(std::string_view values) {
    std::vector<std::string_view> all;
    while (!values.empty()) {
        auto const bar = std::min(values.find('|'), values.size());
        all.push_back(values.substr(0, bar));
        values.remove_prefix(std::min(bar + 1, values.size()));
    }
    return all;
}

std::string did_you_mean(std::string_view word, std::vector<std::string_view> const& known) {
    auto const nearest = nearest_spelling(word, known);
    return nearest ? fmt::format("; did you mean '{}'?", *nearest) : std::string{};
}

std::string listed(std::vector<std::string_view> const& names) { return fmt::format("{}", fmt::join(names, ", ")); }

class Checker {
public:
    explicit Checker(std::string const& file) : file_{file} {}

    // One element whose row is known to exist: its attributes, its text, its children.
    Status check(XmlElement const& element, Rule const& rule) {
        if (auto const ok = check_attributes(element, rule.path); !ok) return ok;
        if (rule.holds == Holds::anything) return {};
        if (auto const ok = check_text(element, rule); !ok) return ok;
        return check_children(element, rule);
    }

    std::vector<std::string> warnings() && { return std::move(warnings_); }

private:
    Status check_children(XmlElement const& element, Rule const& parent) {
        std::map<std::string_view, int> seen;
        for (auto const& child : element.children()) {
            auto const path = fmt::format("{}/{}", parent.path, child.name());
            auto const* rule = child.has_namespace() ? nullptr : find_rule(path);
            if (rule == nullptr) return unknown_element(child, parent.path);
            if (rule->support == Support::refused) return refused(child.line(), shown(path), *rule);
            if (++seen[rule->path] == 2 && rule->count != Count::many) {
                return fail(EINVAL, "{}:{}: {} stands here a second time; only one is allowed", file_, child.line(), shown(path));
            }
            if (rule->support == Support::no_effect) {
                warn(child.line(), shown(path), *rule);
            } else if (auto const ok = check(child, *rule); !ok) {
                return ok;
            }
        }
        for (auto const name : names_below(parent.path, false)) {
            auto const& rule = *find_rule(fmt::format("{}/{}", parent.path, name));
            if (rule.count == Count::required && !seen.contains(rule.path)) {
                return fail(EINVAL, "{}:{}: {} has no <{}>; add one, for example {}", file_, element.line(), shown(parent.path),
                            name, rule.note.empty() ? rule.values : rule.note);
            }
        }
        return {};
    }

    Status check_attributes(XmlElement const& element, std::string_view path) {
        std::set<std::string_view> seen;
        for (auto const& attribute : element.attributes()) {
            auto const* rule = attribute.has_namespace ? nullptr : find_rule(fmt::format("{}/@{}", path, attribute.name));
            auto const where = fmt::format("{} attribute '{}'", shown(path), attribute.name);
            if (rule == nullptr) return unknown_attribute(element, path, attribute.name);
            if (rule->support == Support::refused) return refused(element.line(), where, *rule);
            if (rule->support == Support::no_effect) warn(element.line(), where, *rule);
            seen.insert(rule->path);
            if (auto const ok = check_value(element.line(), where, attribute.value, *rule); !ok) return ok;
        }
        for (auto const name : names_below(path, true)) {
            auto const& rule = *find_rule(fmt::format("{}/@{}", path, name));
            if (rule.count == Count::required && !seen.contains(rule.path)) {
                return fail(EINVAL, "{}:{}: {} has no attribute '{}'; its values are: {}", file_, element.line(), shown(path),
                            name, rule.values.empty() ? std::string{rule.note} : listed(split_values(rule.values)));
            }
        }
        return {};
    }

    Status check_text(XmlElement const& element, Rule const& rule) {
        auto const text = element.text();
        if (rule.holds == Holds::text) return check_value(element.line(), shown(rule.path), text, rule);
        if (text.empty()) return {};
        return fail(EINVAL, "{}:{}: {} holds the text '{}'; only {} may stand there", file_, element.line(), shown(rule.path),
                    text.substr(0, 40), rule.holds == Holds::nothing ? "attributes" : "elements");
    }

    Status check_value(int line, std::string const& where, std::string const& value, Rule const& rule) {
        if (rule.support != Support::supported || rule.values.empty()) return {};
        auto const allowed = split_values(rule.values);
        if (std::ranges::find(allowed, std::string_view{value}) != allowed.end()) return {};
        auto const note = rule.note.empty() ? std::string{} : fmt::format(" ({})", rule.note);
        return fail(EINVAL, "{}:{}: {} is '{}'; allowed: {}{}{}", file_, line, where, value.substr(0, 80), listed(allowed), note,
                    did_you_mean(value, allowed));
    }

    Status unknown_element(XmlElement const& element, std::string_view parent) {
        if (element.has_namespace()) {
            return fail(EINVAL, "{}:{}: <{}> of a foreign namespace stands inside {}; such elements belong inside <metadata>",
                        file_, element.line(), element.name(), shown(parent));
        }
        auto const known = names_below(parent, false);
        return fail(EINVAL, "{}:{}: {} has no element <{}>{}", file_, element.line(), shown(parent), element.name(),
                    known.empty() ? std::string{"; it holds no elements"} : suggestion(element.name(), known));
    }

    Status unknown_attribute(XmlElement const& element, std::string_view path, std::string_view name) {
        auto const known = names_below(path, true);
        return fail(EINVAL, "{}:{}: {} has no attribute '{}'{}", file_, element.line(), shown(path), name,
                    known.empty() ? std::string{"; it has none"} : suggestion(name, known));
    }

    static std::string suggestion(std::string_view word, std::vector<std::string_view> const& known) {
        auto const hint = did_you_mean(word, known);
        return hint.empty() ? fmt::format("; known are: {}", listed(known)) : hint;
    }

    Status refused(int line, std::string const& where, Rule const& rule) {
        return fail(EINVAL, "{}:{}: {} is not supported: {}; remove it", file_, line, where, rule.note);
    }

    void warn(int line, std::string const& where, Rule const& rule) {
        if (!warned_.insert(rule.path).second) return;
        warnings_.push_back(fmt::format("{}:{}: {} has no effect: {}", file_, line, where, rule.note));
    }

    std::string const& file_;
    std::set<std::string_view> warned_;
    std::vector<std::string> warnings_;
};

}  // namespace

Result<std::vector<std::string>> check_dialect(XmlElement const& root, std::string const& file) {
    if (root.name() != "domain") {
        return fail(EINVAL, "{}:{}: the outermost element is <{}>; a domain description has <domain type='xen'>", file,
                    root.line(), root.name());
    }
    Checker checker{file};
    if (auto ok = checker.check(root, *find_rule("domain")); !ok) return std::unexpected(std::move(ok).error());
    return std::move(checker).warnings();
}

}  // namespace hospes::control
