// SPDX-License-Identifier: Apache-2.0
// store_count serve: stands between xenstored's socket and its clients, passes everything on, counts the clients' requests.
// store_count: prints how many there were. Clients that were connected before go past it: they are to be started again.
#include "common.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace {

using namespace bench;
constexpr char const* kSocket = "/run/xenstored/socket";
constexpr char const* kBehind = "/run/xenstored/socket.behind";
constexpr char const* kCount = "/run/store-count";

/// The number of requests, shared through a file.
uint64_t* counter() {
    int const file = ::open(kCount, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ::ftruncate(file, sizeof(uint64_t)) != 0) give_up(kCount);
    void* const memory = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) give_up(kCount);
    return static_cast<uint64_t*>(memory);
}

sockaddr_un address_of(char const* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

/// Finds the headers in a stream of messages that comes in pieces of any size.
class Requests {
public:
    uint64_t in(char const* data, size_t size) {
        uint64_t found = 0;
        while (size > 0) {
            size_t const take = std::min(size, missing_);
            if (in_header_) std::memcpy(header_ + sizeof header_ - missing_, data, take);
            data += take;
            size -= take;
            missing_ -= take;
            if (missing_ > 0) break;
            xsd_sockmsg message{};
            std::memcpy(&message, header_, sizeof message);
            found += in_header_ ? 1 : 0;
            in_header_ = !in_header_ || message.len == 0;
            missing_ = in_header_ ? sizeof header_ : message.len;
        }
        return found;
    }

private:
    char header_[sizeof(xsd_sockmsg)];
    bool in_header_ = true;
    size_t missing_ = sizeof header_;
};

struct Client {
    int near, far;
    Requests requests;
};

/// Passes on what one end has; false when it is gone.
bool pass(int from, int to, Requests* requests, uint64_t& count) {
    char data[8192];
    ssize_t const size = ::read(from, data, sizeof data);
    if (size <= 0) return false;
    if (requests != nullptr) count += requests->in(data, static_cast<size_t>(size));
    for (ssize_t done = 0; done < size;) {
        ssize_t const written = ::send(to, data + done, static_cast<size_t>(size - done), MSG_NOSIGNAL);
        if (written <= 0) return false;
        done += written;
    }
    return true;
}

int listen_in_front() {
    if (::rename(kSocket, kBehind) != 0) give_up(kSocket);
    int const listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un const address = address_of(kSocket);
    if (::bind(listener, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 || ::listen(listener, 16) != 0) give_up(kSocket);
    return listener;
}

Client accept_client(int listener) {
    Client client{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), {}};
    sockaddr_un const address = address_of(kBehind);
    if (client.near < 0 || ::connect(client.far, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) give_up(kBehind);
    return client;
}

int serve(uint64_t& count) {
    int const listener = listen_in_front();
    std::vector<Client> clients;
    for (;;) {
        std::vector<pollfd> ends{{listener, POLLIN, 0}};
        for (auto const& client : clients) {
            ends.push_back({client.near, POLLIN, 0});
            ends.push_back({client.far, POLLIN, 0});
        }
        if (::poll(ends.data(), ends.size(), -1) < 0) give_up("poll");
        for (size_t i = clients.size(); i-- > 0;) {
            auto& client = clients[i];
            bool alive = true;
            if (ends[1 + 2 * i].revents != 0) alive = pass(client.near, client.far, &client.requests, count);
            if (alive && ends[2 + 2 * i].revents != 0) alive = pass(client.far, client.near, nullptr, count);
            if (alive) continue;
            ::close(client.near);
            ::close(client.far);
            clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (ends[0].revents != 0) clients.push_back(accept_client(listener));
    }
}

}  // namespace

int main(int argc, char** words) {
    uint64_t* const count = counter();
    if (argc == 2 && std::strcmp(words[1], "serve") == 0) return serve(*count);
    figure("requests", static_cast<double>(*count));
    return 0;
}
