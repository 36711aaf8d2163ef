// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/trace.hpp"

#include "xenstore/daemon/messages.hpp"

#include <fmt/format.h>

namespace hospes::xenstore {

namespace {

// NULs separate strings: shown as spaces. Other bytes that do not print become dots.
std::string printable(std::string_view payload) {
    std::string text{payload};
    for (auto& c : text) {
        if (c == '\0') c = ' ';
        if (c < ' ' || c > '~') c = '.';
    }
    return text;
}

}  // namespace

void Trace::append(Lines& lines, std::string_view direction, Header const& header, std::string_view payload) {
    lines.push_back(fmt::format("{} {} {} tx {} req {}: {}\n", next_number_++, direction, name_of(header.type), header.transaction,
                                header.request_id, printable(payload.substr(0, kKeptBytes))));
    if (lines.size() > kKeptMessages) lines.pop_front();
}

std::string Trace::show(DomId domain, usize limit) const {
    std::string text;
    auto const lines = domains_.find(domain);
    if (lines == domains_.end()) return text;
    auto first = lines->second.end();
    while (first != lines->second.begin() && limit >= std::prev(first)->size()) {
        --first;
        limit -= first->size();
    }
    for (; first != lines->second.end(); ++first) text += *first;
    return text;
}

}  // namespace hospes::xenstore
