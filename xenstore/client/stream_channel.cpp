// SPDX-License-Identifier: Apache-2.0
#include "xenstore/client/stream_channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace hospes::xenstore {

namespace {

Result<UniqueFd> connect_socket(std::string const& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(ENAMETOOLONG, "xenstore socket {}: the path is too long", path);
    std::memcpy(address.sun_path, path.data(), path.size());

    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) return fail_errno("xenstore socket {}", path);
    auto const* generic = reinterpret_cast<sockaddr const*>(&address);
    if (::connect(socket.get(), generic, sizeof address) != 0) return fail_errno("xenstore socket {}", path);
    return socket;
}

bool is_device(std::string const& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode);
}

void append_message(std::string& bytes, Header header, std::string_view payload) {
    header.length = static_cast<u32>(payload.size());
    auto const encoded = encode(header);
    bytes.append(encoded.data(), encoded.size()).append(payload);
}

}  // namespace

Status StreamChannel::write(std::string_view bytes) { return write_all(stream_.get(), std::as_bytes(std::span{bytes}), peer_); }

Status StreamChannel::send(Header header, std::string_view payload) {
    std::string bytes;
    append_message(bytes, header, payload);
    return write(bytes);
}

Status StreamChannel::send_all(std::span<Message const> messages) {
    if (per_write_ == MessagesPerWrite::one) return Channel::send_all(messages);
    std::string bytes;
    for (auto const& message : messages) append_message(bytes, message.header, message.payload);
    return write(bytes);
}

Result<std::optional<Message>> StreamChannel::receive(Wait wait) {
    while (true) {
        auto message = HV_TRY(take_message());
        if (message) return message;
        if (wait == Wait::no && !HV_TRY(has_input())) return std::nullopt;
        HV_TRY(read_some());
    }
}

Result<bool> StreamChannel::has_input() const {
    pollfd entry{.fd = stream_.get(), .events = POLLIN, .revents = 0};
    int const ready = ::poll(&entry, 1, 0);
    if (ready < 0 && errno != EINTR) return fail_errno("wait for {}", peer_);
    return ready > 0;
}

Status StreamChannel::read_some() {
    std::array<char, 4 * kPayloadMax> buffer;
    ssize_t const count = ::read(stream_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return {};
    if (count < 0) return fail_errno("read from {}", peer_);
    if (count == 0) return fail(ECONNRESET, "{}: the connection to xenstored is lost", peer_);
    input_.append(buffer.data(), static_cast<usize>(count));
    return {};
}

Result<std::optional<Message>> StreamChannel::take_message() {
    if (input_.size() < kHeaderSize) return std::nullopt;
    auto const header = decode(std::span<char const, kHeaderSize>{input_.data(), kHeaderSize});
    if (header.length > kPayloadMax) return fail(EPROTO, "{}: a message of {} bytes; {} is the limit", peer_, header.length, kPayloadMax);
    if (input_.size() < kHeaderSize + header.length) return std::nullopt;
    Message message{.header = header, .payload = input_.substr(kHeaderSize, header.length)};
    input_.erase(0, kHeaderSize + header.length);
    return message;
}

Result<std::unique_ptr<StreamChannel>> connect_to(std::string const& path) {
    bool const is_kernel = is_device(path);
    auto stream = is_kernel ? open_file(path, O_RDWR) : connect_socket(path);
    if (!stream) return std::unexpected{stream.error()};
    return std::make_unique<StreamChannel>(std::move(*stream), path, is_kernel ? MessagesPerWrite::one : MessagesPerWrite::many);
}

std::string socket_path() {
    char const* const path = std::getenv("XENSTORED_PATH");
    return path != nullptr ? path : kDefaultSocket;
}

Result<std::unique_ptr<StreamChannel>> connect_to_xenstore() {
    if (char const* path = std::getenv("XENSTORED_PATH")) return connect_to(path);
    auto over_socket = connect_to(kDefaultSocket);
    if (over_socket) return over_socket;
    auto over_kernel = connect_to(kKernelDevice);
    if (over_kernel) return over_kernel;
    return fail(over_socket.error().code(), "no xenstore: {}; {}. Is xenstored running?", over_socket.error().message(),
                over_kernel.error().message());
}

}  // namespace hospes::xenstore
