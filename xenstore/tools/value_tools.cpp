// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tools/tool.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <cstdio>
#include <functional>

namespace hospes::xenstore::tools {

namespace {

std::optional<char> octal(std::string_view digits) {
    if (digits.size() < 3) return std::nullopt;
    int value = 0;
    for (char const c : digits.substr(0, 3)) {
        if (c < '0' || c > '7') return std::nullopt;
        value = value * 8 + (c - '0');
    }
    return static_cast<char>(value);
}

// Undoes escaped(). A backslash before anything else stands for itself.
std::string unescaped(std::string_view text) {
    std::string value;
    while (!text.empty()) {
        char const c = text.front();
        text.remove_prefix(1);
        if (c != '\\' || text.empty()) {
            value += c;
            continue;
        }
        if (auto const byte = octal(text)) {
            value += *byte;
            text.remove_prefix(3);
            continue;
        }
        constexpr std::string_view kLetters = "ntr\\";
        constexpr std::string_view kMeanings = "\n\t\r\\";
        auto const known = kLetters.find(text.front());
        value += known == std::string_view::npos ? '\\' : kMeanings[known];
        if (known != std::string_view::npos) text.remove_prefix(1);
    }
    return value;
}

}  // namespace

Result<int> read(Client& client, Invocation const& invocation) {
    for (auto const& path : invocation.operands) {
        auto const value = HV_TRY(client.read(path));
        if (invocation.has('p')) fmt::print("{}: ", path);
        fmt::print("{}\n", invocation.has('R') ? value : escaped(value));
    }
    return 0;
}

Result<int> write(Client& client, Invocation const& invocation) {
    auto const& words = invocation.operands;
    if (words.size() % 2 != 0) return fail(EINVAL, "a value is missing for {}: keys and values come in pairs", words.back());
    auto const write_all = [&](StoreView const& store) -> Status {
        for (usize i = 0; i < words.size(); i += 2) {
            HV_TRY(store.write(words[i], invocation.has('R') ? words[i + 1] : unescaped(words[i + 1])));
        }
        return {};
    };
    HV_TRY(client.transact(write_all));
    return 0;
}

Result<int> exists(Client& client, Invocation const& invocation) {
    for (auto const& path : invocation.operands) {
        auto const is_there = HV_TRY(client.exists(path));
        if (!is_there) return 1;
    }
    return 0;
}

Result<int> watch(Client& client, Invocation const& invocation) {
    int left = invocation.watch_limit;
    auto const print = [&](std::string_view path) {
        if (left == 0) return;
        if (left > 0) --left;
        fmt::print("{}\n", path);
        std::fflush(stdout);
    };
    std::vector<Watch> watches;
    for (auto const& path : invocation.operands) {
        auto registered = HV_TRY(client.watch(path, print));
        watches.push_back(std::move(registered));
    }
    while (left != 0) {
        pollfd entry{.fd = client.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, -1) < 0 && errno != EINTR) return fail_errno("wait for events");
        HV_TRY(client.dispatch());
    }
    return 0;
}

Result<int> control(Client& client, Invocation const& invocation) {
    auto const answer = HV_TRY(client.control(invocation.operands));
    fmt::print("{}{}", answer, answer.ends_with('\n') ? "" : "\n");
    return 0;
}

}  // namespace hospes::xenstore::tools
