// SPDX-License-Identifier: Apache-2.0
// The messages that clients may send: one row each, with who may send it and what a transaction number in it means.
#pragma once

#include "xenstore/daemon/request.hpp"

#include <string_view>

namespace hospes::xenstore {

enum class Privilege : u8 { anyone, privileged };
enum class TransactionUse : u8 { honoured, ignored };

struct MessageRow {
    MessageType type;
    std::string_view name;
    Privilege privilege;
    TransactionUse transaction;
    WireResult<std::string> (*handle)(Request& request);  // returns the payload of the reply
};

// The row of a message type, or null: no client may send that.
MessageRow const* find_message(MessageType type);

// For people; "?" for a number that means nothing.
std::string_view name_of(MessageType type);

}  // namespace hospes::xenstore
