// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/messages.hpp"

#include "xenstore/daemon/requests.hpp"

#include <algorithm>
#include <array>

namespace hospes::xenstore {

namespace {

using enum Privilege;
using enum TransactionUse;

constexpr std::array kMessages{
    MessageRow{MessageType::control, "CONTROL", privileged, ignored, requests::control},
    MessageRow{MessageType::directory, "DIRECTORY", anyone, honoured, requests::directory},
    MessageRow{MessageType::read, "READ", anyone, honoured, requests::read},
    MessageRow{MessageType::get_perms, "GET_PERMS", anyone, honoured, requests::get_perms},
    MessageRow{MessageType::watch, "WATCH", anyone, ignored, requests::watch},
    MessageRow{MessageType::unwatch, "UNWATCH", anyone, ignored, requests::unwatch},
    MessageRow{MessageType::transaction_start, "TRANSACTION_START", anyone, honoured, requests::transaction_start},
    MessageRow{MessageType::transaction_end, "TRANSACTION_END", anyone, honoured, requests::transaction_end},
    MessageRow{MessageType::introduce, "INTRODUCE", privileged, ignored, requests::introduce},
    MessageRow{MessageType::release, "RELEASE", privileged, ignored, requests::release},
    MessageRow{MessageType::get_domain_path, "GET_DOMAIN_PATH", anyone, ignored, requests::get_domain_path},
    MessageRow{MessageType::write, "WRITE", anyone, honoured, requests::write},
    MessageRow{MessageType::mkdir, "MKDIR", anyone, honoured, requests::mkdir},
    MessageRow{MessageType::rm, "RM", anyone, honoured, requests::rm},
    MessageRow{MessageType::set_perms, "SET_PERMS", anyone, honoured, requests::set_perms},
    MessageRow{MessageType::is_domain_introduced, "IS_DOMAIN_INTRODUCED", privileged, ignored, requests::is_domain_introduced},
    MessageRow{MessageType::resume, "RESUME", privileged, ignored, requests::resume},
    MessageRow{MessageType::set_target, "SET_TARGET", privileged, ignored, requests::set_target},
    MessageRow{MessageType::reset_watches, "RESET_WATCHES", anyone, ignored, requests::reset_watches},
    MessageRow{MessageType::directory_part, "DIRECTORY_PART", anyone, ignored, requests::directory_part},
};
static_assert(std::ranges::is_sorted(kMessages, std::less{}, &MessageRow::type));

}  // namespace

MessageRow const* find_message(MessageType type) {
    auto const row = std::ranges::lower_bound(kMessages, type, {}, &MessageRow::type);
    return row != kMessages.end() && row->type == type ? &*row : nullptr;
}

std::string_view name_of(MessageType type) {
    if (type == MessageType::watch_event) return "WATCH_EVENT";
    if (type == MessageType::error) return "ERROR";
    auto const* row = find_message(type);
    return row ? row->name : "?";
}

}  // namespace hospes::xenstore
