// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/cpu_set.hpp"

#include <charconv>
#include <optional>

namespace hospes {
namespace {

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size() || value >= CpuSet::kMost) return std::nullopt;
    return value;
}

// "3" or "0-3".
std::optional<CpuSet> range(std::string_view text) {
    auto const dash = text.find('-');
    auto const first = number(text.substr(0, dash));
    auto const last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return CpuSet{CpuSet::first(*last + 1).bits() & ~CpuSet::first(*first).bits()};
}

}  // namespace

Result<CpuSet> parse_cpu_set(std::string_view text) {
    if (text == "all") return CpuSet::all();
    CpuSet cpus;
    for (std::size_t start = 0; start <= text.size();) {
        auto const end = std::min(text.find(',', start), text.size());
        auto const part = text.substr(start, end - start);
        bool const excludes = part.starts_with('^');
        auto const named = range(excludes ? part.substr(1) : part);
        if (!named) {
            return fail(EINVAL, "'{}' names no processors; write numbers from 0 to {} and ranges, as 0-3,^2,7", part.substr(0, 40),
                        CpuSet::kMost - 1);
        }
        cpus = excludes ? CpuSet{cpus.bits() & ~named->bits()} : CpuSet{cpus.bits() | named->bits()};
        start = end + 1;
    }
    if (cpus.is_empty()) return fail(EINVAL, "'{}' leaves no processor", text.substr(0, 80));
    return cpus;
}

std::string to_string(CpuSet cpus) {
    std::string text;
    for (unsigned first = 0; first < CpuSet::kMost; ++first) {
        if (!cpus.contains(first)) continue;
        unsigned last = first;
        while (cpus.contains(last + 1)) ++last;
        text += fmt::format("{}{}", text.empty() ? "" : ",", first);
        if (last > first) text += fmt::format("-{}", last);
        first = last;
    }
    return text.empty() ? "-" : text;
}

std::string shown_among(CpuSet cpus, CpuSet existing) {
    return cpus.contains(existing) ? "all" : to_string(cpus & existing);
}

}  // namespace hospes
