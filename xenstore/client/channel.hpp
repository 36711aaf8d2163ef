// SPDX-License-Identifier: Apache-2.0
// How a client's messages travel. The real one is a byte stream (stream_channel.hpp); a test gives a client one that
// ends in a server in the same process (xenstore/testing/memory_store.hpp).
#pragma once

#include "dom0-tools/base/result.hpp"
#include "xenstore/wire/message.hpp"

#include <optional>
#include <span>

namespace hospes::xenstore {

enum class Wait : bool { no, yes };

class Channel {
public:
    virtual ~Channel() = default;

    // Sends one whole message; the header's length is taken from the payload.
    virtual Status send(Header header, std::string_view payload) = 0;

    // Sends several, together where that is cheaper.
    virtual Status send_all(std::span<Message const> messages) {
        for (auto const& message : messages) HV_TRY(send(message.header, message.payload));
        return {};
    }

    // The next message from the server. With Wait::no, nothing if none has arrived in full.
    // An error means that the connection is lost for good.
    virtual Result<std::optional<Message>> receive(Wait wait) = 0;

    // Becomes readable when a message may have arrived.
    virtual int fd() const = 0;

    // Has it read more than receive() has returned so far? fd() does not become readable for that.
    virtual bool has_buffered() const { return false; }
};

}  // namespace hospes::xenstore
