// SPDX-License-Identifier: Apache-2.0
// Messages over a byte stream: xenstored's unix socket, or the kernel's /dev/xen/xenbus.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"
#include "xenstore/client/channel.hpp"

#include <memory>
#include <string>

namespace hospes::xenstore {

inline constexpr char kDefaultSocket[] = "/run/xenstored/socket";
inline constexpr char kKernelDevice[] = "/dev/xen/xenbus";

// What one write() may hold: the kernel device takes no more than one message at a time.
enum class MessagesPerWrite : std::uint8_t { one, many };

class StreamChannel final : public Channel {
public:
    // Takes over a connected, blocking descriptor. `peer` names it in errors.
    StreamChannel(UniqueFd stream, std::string peer, MessagesPerWrite per_write)
        : stream_{std::move(stream)}, peer_{std::move(peer)}, per_write_{per_write} {}

    Status send(Header header, std::string_view payload) override;
    Status send_all(std::span<Message const> messages) override;
    Result<std::optional<Message>> receive(Wait wait) override;
    int fd() const override { return stream_.get(); }
    bool has_buffered() const override { return !input_.empty(); }

private:
    Status write(std::string_view bytes);
    Result<bool> has_input() const;
    Status read_some();
    Result<std::optional<Message>> take_message();

    UniqueFd stream_;
    std::string peer_;
    MessagesPerWrite per_write_;
    std::string input_;  // bytes received and not yet taken
};

// Connects to `path`: a unix socket, or a character device that speaks the same protocol.
Result<std::unique_ptr<StreamChannel>> connect_to(std::string const& path);

// Where xenstored listens in the domain that it runs in: $XENSTORED_PATH where that is set, else kDefaultSocket.
std::string socket_path();

// Connects to this domain's xenstore: the socket $XENSTORED_PATH where that is set; else kDefaultSocket, and where nobody
// listens there, kKernelDevice.
Result<std::unique_ptr<StreamChannel>> connect_to_xenstore();

}  // namespace hospes::xenstore
