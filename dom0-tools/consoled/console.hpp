// SPDX-License-Identifier: Apache-2.0
// The console of one domain: what comes out of its ring goes to the log, the scroll-back, the pty and every reader; what the
// pty and the one writer type goes in. Output is always taken off the ring at once, so no reader can block a domain; only a
// domain that floods its console is held back, by its own full ring.
#pragma once

#include "dom0-tools/base/event_loop.hpp"
#include "dom0-tools/consoled/byte_queue.hpp"
#include "dom0-tools/consoled/console_log.hpp"
#include "dom0-tools/consoled/pseudo_terminal.hpp"
#include "dom0-tools/ports/event_channel.hpp"
#include "dom0-tools/ports/grant.hpp"
#include "dom0-tools/wire/console_ring.hpp"

#include <functional>
#include <optional>
#include <set>

namespace hospes::consoled {

// Someone who is shown the output.
class Reader {
public:
    virtual ~Reader() = default;
    virtual void show(std::span<std::byte const> output) = 0;
    // The domain can take input again after Console::type() took less than offered.
    virtual void input_has_room() = 0;
    // The domain is gone. The console forgets the reader; it must not be called any more.
    virtual void console_ended() = 0;
};

struct ConsolePorts {
    EventLoop& loop;
    EventChannelDevice& events;
    GrantDevice& grants;
    std::string log_directory;
};

class Console {
public:
    static constexpr std::size_t kScrollBack = std::size_t{1} << 20;
    static constexpr int kEventsPerPeriod = 30;
    static constexpr std::chrono::milliseconds kPeriod{200};

    // Attaches to the console ring of `domain` (its grant 0) and to its event channel. `port` is the domain's own.
    static Result<std::unique_ptr<Console>> attach(ConsolePorts ports, DomId domain, std::string name, EventPort port);
    ~Console();

    DomId domain() const { return domain_; }
    std::string const& name() const { return name_; }
    std::string const& tty() const { return pty_.path; }  // empty if there is none
    EventPort remote_port() const { return remote_port_; }

    // Shows the scroll-back to the reader, and from then on all output.
    void add_reader(Reader& reader);
    void remove_reader(Reader& reader);

    // One writer at a time: false if there is another.
    bool claim_input(Reader& writer);
    // Types into the console; returns how many bytes were taken.
    std::size_t type(std::span<std::byte const> input);

    // Takes what is left in the ring; for a domain that has ended.
    void drain() { take_output(); }

private:
    Console(ConsolePorts ports, DomId domain, std::string name, EventPort port);
    Status open_ring();
    void open_log();
    void open_pty();

    void on_port();
    void on_period_end();
    void serve();
    void take_output();
    void deliver(std::span<std::byte const> output);
    void feed_input();
    void on_pty(FdEvents events);
    void flush_pty();
    void watch_pty();
    void stop_serving(std::string_view why);

    ConsolePorts ports_;
    DomId domain_;
    std::string name_;
    EventPort remote_port_;
    GrantMapping page_;
    std::optional<wire::ConsoleRing> ring_;
    BoundPort port_;
    Timer period_;
    int events_in_period_ = 0;
    bool is_throttled_ = false;

    std::optional<ConsoleLog> log_;
    ByteQueue scroll_back_{kScrollBack};
    PseudoTerminal pty_;
    FdWatch pty_watch_;
    ByteQueue to_pty_{std::size_t{64} << 10};
    ByteQueue to_domain_{std::size_t{4} << 10};
    std::set<Reader*> readers_;
    Reader* writer_ = nullptr;
};

}  // namespace hospes::consoled
