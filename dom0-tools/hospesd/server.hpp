// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/base/unique_fd.hpp"

#include <functional>
#include <list>
#include <string>

namespace hospes::hospesd {

/// Serves one unix socket: each line that a client sends is handed to `answer`, and what that returns is sent back.
class Server {
public:
    using Answer = std::function<std::string(std::string const& line)>;

    Server(EventLoop& loop, Answer answer) : loop_{loop}, answer_{std::move(answer)} {}
    Server(Server const&) = delete;
    Server& operator=(Server const&) = delete;

    /// Only root may connect. A socket that a dead server left is replaced.
    Status listen(std::string const& path);

private:
    struct Connection {
        UniqueFd socket;
        std::string input;
        FdWatch watch;
    };
    void accept();
    void receive(std::list<Connection>::iterator connection);
    bool answer_lines(Connection& connection);

    EventLoop& loop_;
    Answer answer_;
    UniqueFd listener_;
    FdWatch listener_watch_;
    std::list<Connection> connections_;
};

}  // namespace hospes::hospesd
