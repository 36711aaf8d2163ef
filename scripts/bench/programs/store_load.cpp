// SPDX-License-Identifier: Apache-2.0
// store_load SECONDS: requests a second that xenstored answers one client over its socket (xs_wire.h): reads and writes of
// one node, directory of 32 nodes, transactions (start, read, write, commit).
#include "common.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <vector>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace {

using namespace bench;
constexpr char const* kSocket = "/run/xenstored/socket";
constexpr int kChildren = 32;

class Store {
public:
    Store() : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, kSocket, sizeof address.sun_path - 1);
        if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up(kSocket);
    }

    /// Sends one request and waits for its answer's payload.
    std::string ask(xsd_sockmsg_type type, std::string const& payload, unsigned transaction = 0) {
        xsd_sockmsg header{static_cast<uint32_t>(type), 1, transaction, static_cast<uint32_t>(payload.size())};
        std::string message{reinterpret_cast<char const*>(&header), sizeof header};
        message += payload;
        if (::write(socket_, message.data(), message.size()) != static_cast<ssize_t>(message.size())) give_up("request");
        receive(reinterpret_cast<char*>(&header), sizeof header);
        std::string answer(header.len, '\0');
        receive(answer.data(), answer.size());
        if (header.type != static_cast<uint32_t>(type)) {
            std::fprintf(stderr, "store_load: request %d answered with type %u: %s\n", static_cast<int>(type), header.type, answer.c_str());
            std::exit(1);
        }
        return answer;
    }

private:
    void receive(char* to, size_t size) {
        for (size_t done = 0; done < size;) {
            ssize_t const got = ::read(socket_, to + done, size - done);
            if (got <= 0) give_up("answer");
            done += static_cast<size_t>(got);
        }
    }

    int socket_;
};

std::string terminated(std::string text) {
    text.push_back('\0');
    return text;
}

template <class Operation> void measure(char const* name, double seconds, Operation const& operation) {
    auto const start = Clock::now();
    long done = 0;
    double taken = 0;
    do {
        for (int i = 0; i < 8; ++i) operation();
        done += 8;
        taken = seconds_since(start);
    } while (taken < seconds);
    figure(name, static_cast<double>(done) / taken);
}

}  // namespace

int main(int count, char** words) {
    double const seconds = count > 1 ? std::atof(words[1]) : 5;
    Store store;
    std::string const node = "/local/bench/node", value = "0123456789abcdef";
    store.ask(XS_WRITE, terminated(node) + value);
    for (int i = 0; i < kChildren; ++i) store.ask(XS_WRITE, terminated("/local/bench/many/child" + std::to_string(i)) + value);
    std::string const path = terminated(node), many = terminated("/local/bench/many");
    measure("reads", seconds, [&] { store.ask(XS_READ, path); });
    measure("writes", seconds, [&] { store.ask(XS_WRITE, path + value); });
    measure("directories", seconds, [&] { store.ask(XS_DIRECTORY, many); });
    measure("transactions", seconds, [&] {
        auto const id = static_cast<unsigned>(std::atoi(store.ask(XS_TRANSACTION_START, terminated("")).c_str()));
        store.ask(XS_READ, path, id);
        store.ask(XS_WRITE, path + value, id);
        store.ask(XS_TRANSACTION_END, terminated("T"), id);
    });
    store.ask(XS_RM, terminated("/local/bench"));
    return 0;
}
