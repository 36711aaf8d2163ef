// SPDX-License-Identifier: Apache-2.0
#include "xenstore/client/view.hpp"

#include "xenstore/wire/strings.hpp"

#include <algorithm>

namespace hospes::xenstore {

namespace {

Status without_payload(Result<std::string> const& reply) {
    if (!reply) return std::unexpected{reply.error()};
    return {};
}

std::string payload_of(std::initializer_list<std::string_view> strings) {
    std::string payload;
    for (auto const text : strings) append_string(payload, text);
    return payload;
}

std::vector<std::string> names_in(std::string_view payload) {
    std::vector<std::string> names;
    while (auto const name = take_string(payload)) names.emplace_back(*name);
    std::ranges::sort(names);
    return names;
}

}  // namespace

Result<std::string> StoreView::call(MessageType type, std::initializer_list<std::string_view> strings) const {
    HV_TRY(send_gathered());
    return session_->call(type, transaction_, payload_of(strings));
}

Status StoreView::change(MessageType type, std::string payload) const {
    if (transaction_ == 0 || payload.size() > kPayloadMax) return without_payload(session_->call(type, transaction_, payload));
    gathered_->push_back({type, std::move(payload)});
    return {};
}

Status StoreView::send_gathered() const {
    auto const questions = std::exchange(*gathered_, {});
    for (auto const& reply : session_->call_all(transaction_, questions)) {
        if (!reply) return std::unexpected{reply.error()};
    }
    return {};
}

Result<std::string> StoreView::read(std::string_view path) const { return call(MessageType::read, {path}); }

Result<std::optional<std::string>> StoreView::read_if_present(std::string_view path) const {
    auto value = read(path);
    if (value) return std::move(*value);
    if (value.error().code() == ENOENT) return std::nullopt;
    return std::unexpected{value.error()};
}

Result<std::vector<std::optional<std::string>>> StoreView::read_all(std::span<std::string const> paths) const {
    HV_TRY(send_gathered());
    std::vector<Question> questions;
    for (auto const& path : paths) questions.push_back({MessageType::read, payload_of({path})});
    std::vector<std::optional<std::string>> values;
    for (auto& reply : session_->call_all(transaction_, questions)) {
        if (!reply && reply.error().code() != ENOENT) return std::unexpected{reply.error()};
        values.push_back(reply ? std::optional{*std::move(reply)} : std::nullopt);
    }
    return values;
}

Result<bool> StoreView::exists(std::string_view path) const { return HV_TRY(read_if_present(path)).has_value(); }

Status StoreView::write(std::string_view path, std::string_view value) const {
    auto payload = payload_of({path});
    payload.append(value);
    return change(MessageType::write, std::move(payload));
}

Status StoreView::mkdir(std::string_view path) const { return change(MessageType::mkdir, payload_of({path})); }

Status StoreView::remove(std::string_view path) const { return without_payload(call(MessageType::rm, {path})); }

Result<std::vector<std::string>> StoreView::directory(std::string_view path) const {
    auto reply = call(MessageType::directory, {path});
    if (!reply && reply.error().code() == E2BIG) reply = long_directory(path);
    if (!reply) return std::unexpected{reply.error()};
    return names_in(*reply);
}

// A directory that does not fit in one reply comes in parts; if it changes in between, we start again.
Result<std::string> StoreView::long_directory(std::string_view path) const {
    while (true) {
        auto names = HV_TRY(try_long_directory(path));
        if (names) return std::move(*names);
    }
}

Result<std::optional<std::string>> StoreView::try_long_directory(std::string_view path) const {
    std::string names;
    std::string generation;
    while (true) {
        auto const reply = HV_TRY(call(MessageType::directory_part, {path, std::to_string(names.size())}));
        auto part = std::string_view{reply};
        auto const part_generation = take_string(part);
        if (!part_generation || part.empty()) return fail(EPROTO, "xenstore {}: a malformed part of a directory", path);
        if (!generation.empty() && generation != *part_generation) return std::nullopt;
        generation = *part_generation;
        bool const is_last = part.size() == 1 || part.substr(part.size() - 2) == std::string_view{"\0\0", 2};
        names.append(part.substr(0, is_last ? part.size() - 1 : part.size()));
        if (is_last) return names;
    }
}

Result<Permissions> StoreView::permissions(std::string_view path) const {
    auto const reply = HV_TRY(call(MessageType::get_perms, {path}));
    Permissions permissions;
    for (auto rest = std::string_view{reply}; auto const text = take_string(rest);) {
        auto const permission = parse_permission(*text);
        if (!permission) return fail(EPROTO, "xenstore {}: the server sent the permission \"{}\"", path, *text);
        permissions.push_back(*permission);
    }
    return permissions;
}

Status StoreView::set_permissions(std::string_view path, Permissions const& permissions) const {
    auto payload = payload_of({path});
    for (auto const permission : permissions) append_string(payload, to_string(permission));
    return change(MessageType::set_perms, std::move(payload));
}

}  // namespace hospes::xenstore
