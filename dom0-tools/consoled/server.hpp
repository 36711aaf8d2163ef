// SPDX-License-Identifier: Apache-2.0
// The unix socket on which consoles are offered.
#pragma once

#include "dom0-tools/consoled/console_list.hpp"
#include "dom0-tools/consoled/session.hpp"

#include <list>

namespace hospes::consoled {

class Server {
public:
    static constexpr std::chrono::seconds kPatience{30};  // for the console of a domain that is being built

    Server(EventLoop& loop, ConsoleList& consoles) : loop_{loop}, consoles_{consoles} {}

    // Makes the socket (mode 0600) in place of an old one.
    Status listen(std::string const& path);

    // A console has come: whoever waits for it is attached.
    void serve_waiting();

private:
    struct Client {
        std::unique_ptr<Session> session;
        bool is_waiting = false;
        Timer patience;
    };

    void accept();
    void on_request(Client& client);
    void sweep();

    EventLoop& loop_;
    ConsoleList& consoles_;
    UniqueFd listener_;
    FdWatch listener_watch_;
    std::list<Client> clients_;
    Timer sweeper_;  // sessions that have ended are destroyed in the next turn
};

}  // namespace hospes::consoled
