// SPDX-License-Identifier: Apache-2.0
// The frame of a xenstore message: a header of four little-endian words and up to 4096 bytes of payload.
// Numbers are those of <xen/io/xs_wire.h>; message.cpp asserts it.
#pragma once

#include "hypervisor/base/types.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace hospes::xenstore {

enum class MessageType : u32 {
    control = 0,
    directory = 1,
    read = 2,
    get_perms = 3,
    watch = 4,
    unwatch = 5,
    transaction_start = 6,
    transaction_end = 7,
    introduce = 8,
    release = 9,
    get_domain_path = 10,
    write = 11,
    mkdir = 12,
    rm = 13,
    set_perms = 14,
    watch_event = 15,
    error = 16,
    is_domain_introduced = 17,
    resume = 18,
    set_target = 19,
    reset_watches = 21,
    directory_part = 22,
};

inline constexpr usize kHeaderSize = 16;
inline constexpr usize kPayloadMax = 4096;
inline constexpr usize kAbsolutePathMax = 3072;
inline constexpr usize kRelativePathMax = 2048;

// The number of a transaction on one connection; zero stands for none.
using TransactionId = u32;

// `type` stays a plain number in effect: a peer may send any value, also one that no enumerator names.
struct Header {
    MessageType type{};
    u32 request_id = 0;
    TransactionId transaction = 0;
    u32 length = 0;  // bytes of payload

    friend bool operator==(Header const&, Header const&) = default;
};

struct Message {
    Header header;
    std::string payload;
};

std::array<char, kHeaderSize> encode(Header const& header);

// Decodes a header without judging it: the length may be beyond kPayloadMax.
Header decode(std::span<char const, kHeaderSize> bytes);

}  // namespace hospes::xenstore
