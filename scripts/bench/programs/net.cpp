// SPDX-License-Identifier: Apache-2.0
// net serve: answers on TCP port 5001. net ADDRESS SECONDS: against such a server, TCP bulk out and in (MiB/s), and round
// trips of one byte (a second).
#include "common.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

namespace {

using namespace bench;
constexpr uint16_t kPort = 5001;
constexpr size_t kBlock = 1 << 16;
constexpr double kMib = 1 << 20;

sockaddr_in address_of(char const* text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) give_up(text);
    return address;
}

/// The first byte says what the client wants: 'w' it sends, 'r' it receives, 'p' each byte comes back.
void answer(int peer) {
    std::vector<char> block(kBlock);
    char wish = 0;
    int const one = 1;
    ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::read(peer, &wish, 1) != 1) return;
    if (wish == 'r') {
        while (::write(peer, block.data(), block.size()) > 0) {}
    } else if (wish == 'w') {
        while (::read(peer, block.data(), block.size()) > 0) {}
    } else {
        while (::read(peer, block.data(), 1) == 1 && ::write(peer, block.data(), 1) == 1) {}
    }
}

int serve() {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in const address = address_of("0.0.0.0");
    if (::bind(listener, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 || ::listen(listener, 8) != 0) give_up("listen");
    for (;;) {
        int const peer = ::accept(listener, nullptr, nullptr);
        if (peer < 0) give_up("accept");
        if (::fork() == 0) {
            answer(peer);
            ::_exit(0);
        }
        ::close(peer);
    }
}

int connect_to(char const* text, char wish) {
    int const peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    sockaddr_in const address = address_of(text);
    if (::connect(peer, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) give_up("connect");
    ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::write(peer, &wish, 1) != 1) give_up("wish");
    return peer;
}

/// Repeats an operation that returns how much it did, for some seconds; how much was done in one.
template <class Operation> double rate(double seconds, Operation const& operation) {
    auto const start = Clock::now();
    double done = 0, taken = 0;
    do {
        done += operation();
        taken = seconds_since(start);
    } while (taken < seconds);
    return done / taken;
}

double checked(ssize_t moved) {
    if (moved <= 0) give_up("transfer");
    return static_cast<double>(moved);
}

}  // namespace

int main(int count, char** words) {
    if (count == 2 && std::strcmp(words[1], "serve") == 0) return serve();
    if (count != 3) return 2;
    double const seconds = std::atof(words[2]);
    std::vector<char> block(kBlock);
    int peer = connect_to(words[1], 'w');
    figure("tcp_out", rate(seconds, [&] { return checked(::write(peer, block.data(), block.size())); }) / kMib);
    ::close(peer);
    peer = connect_to(words[1], 'r');
    figure("tcp_in", rate(seconds, [&] { return checked(::read(peer, block.data(), block.size())); }) / kMib);
    ::close(peer);
    peer = connect_to(words[1], 'p');
    figure("round_trips", rate(seconds, [&] { return checked(::write(peer, block.data(), 1)) + checked(::read(peer, block.data(), 1)) - 1; }));
    ::close(peer);
    return 0;
}
