// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/console.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <array>

namespace hospes::consoled {
namespace {

constexpr GrantRef kConsoleGrant{0};  // GNTTAB_RESERVED_CONSOLE

}  // namespace

Console::Console(ConsolePorts ports, DomId domain, std::string name, EventPort port)
    : ports_{std::move(ports)}, domain_{domain}, name_{std::move(name)}, remote_port_{port} {
    period_ = ports_.loop.make_timer([this] { on_period_end(); });
}

Console::~Console() {
    auto const readers = std::exchange(readers_, {});
    for (auto* reader : readers) reader->console_ended();
}

Result<std::unique_ptr<Console>> Console::attach(ConsolePorts ports, DomId domain, std::string name, EventPort port) {
    std::unique_ptr<Console> console{new Console{std::move(ports), domain, std::move(name), port}};
    HV_TRY(with_context(console->open_ring(), "console of domain {} ({})", domain.raw(), console->name_));
    console->open_log();
    console->open_pty();
    console->serve();  // the domain may have written, or closed and opened its end, before we came
    return console;
}

Status Console::open_ring() {
    std::array const refs{kConsoleGrant};
    page_ = HV_TRY(ports_.grants.map(domain_, refs, Access::read_write));
    ring_.emplace(page_.data());
    port_ = HV_TRY(ports_.events.bind_interdomain(domain_, remote_port_, [this] { on_port(); }));
    return {};
}

// A console without its log is worth more than none: say so and go on.
void Console::open_log() {
    auto log = ConsoleLog::open(ports_.log_directory, name_);
    if (!log) return spdlog::error("console of domain {} is not logged: {}", name_, log.error().message());
    log_ = std::move(*log);
    if (ring_->is_fresh()) {
        if (auto const status = log_->begin_domain(domain_, name_); !status) spdlog::error("{}", status.error().message());
        return;
    }
    // Somebody has served this ring before: what was shown then is in the log.
    auto const tail = log_->tail(domain_, name_, kScrollBack);
    if (tail) scroll_back_.push(*tail);
}

void Console::open_pty() {
    auto pty = PseudoTerminal::make();
    if (!pty) return spdlog::warn("console of domain {} has no tty: {}", name_, pty.error().message());
    pty_ = std::move(*pty);
    auto watch = ports_.loop.watch_fd(pty_.controller.get(), {.readable = true}, [this](FdEvents events) { on_pty(events); });
    if (!watch) return spdlog::warn("console of domain {} has no tty: {}", name_, watch.error().message());
    pty_watch_ = std::move(*watch);
}

void Console::add_reader(Reader& reader) {
    readers_.insert(&reader);
    reader.show(scroll_back_.content());
}

void Console::remove_reader(Reader& reader) {
    readers_.erase(&reader);
    if (writer_ == &reader) writer_ = nullptr;
}

bool Console::claim_input(Reader& writer) {
    if (writer_ != nullptr && writer_ != &writer) return false;
    writer_ = &writer;
    return true;
}

std::size_t Console::type(std::span<std::byte const> input) {
    auto const count = std::min(input.size(), to_domain_.room());
    to_domain_.push(input.first(count));
    feed_input();
    return count;
}

void Console::on_port() {
    if (!period_.is_armed()) {
        events_in_period_ = 0;
        period_.start(kPeriod);
    }
    // Over its budget, a domain waits with its port masked for the rest of the period, and so for room in its ring.
    if (++events_in_period_ > kEventsPerPeriod) {
        is_throttled_ = true;
        return;
    }
    serve();
}

void Console::on_period_end() {
    events_in_period_ = 0;
    if (std::exchange(is_throttled_, false)) serve();
}

void Console::serve() {
    if (!port_) return;
    take_output();
    feed_input();
    if (!port_) return;
    // What comes between the last look and this raises the port again.
    if (auto const status = port_.unmask(); !status) stop_serving(status.error().message());
}

void Console::take_output() {
    if (!ring_) return;
    std::array<std::byte, wire::ConsoleRing::kOutputSize> output;
    auto const count = ring_->take_output(output);
    if (!count) return stop_serving("its output index is out of bounds");
    if (*count == 0) return;
    deliver(std::span{output}.first(*count));
    if (!port_) return;
    if (auto const status = port_.notify(); !status) stop_serving(status.error().message());
}

void Console::deliver(std::span<std::byte const> output) {
    if (log_) {
        if (auto const status = log_->append(output); !status) {
            spdlog::error("console of domain {} is not logged any more: {}", name_, status.error().message());
            log_.reset();
        }
    }
    scroll_back_.push(output);
    if (pty_watch_) {
        to_pty_.push(output);
        flush_pty();
    }
    for (auto* reader : std::set{readers_})
        if (readers_.contains(reader)) reader->show(output);
}

void Console::feed_input() {
    if (!ring_ || !port_ || to_domain_.is_empty()) return;
    auto const count = ring_->give_input(to_domain_.content());
    if (!count) return stop_serving("its input index is out of bounds");
    if (*count == 0) return;
    to_domain_.pop(*count);
    if (auto const status = port_.notify(); !status) return stop_serving(status.error().message());
    watch_pty();
    if (writer_ != nullptr) writer_->input_has_room();
}

void Console::on_pty(FdEvents events) {
    if (events.failed) return pty_watch_.reset();
    if (events.writable) flush_pty();
    if (!events.readable || to_domain_.room() == 0) return watch_pty();
    std::array<std::byte, 1024> typed;
    auto const count = ::read(pty_.controller.get(), typed.data(), std::min(typed.size(), to_domain_.room()));
    if (count > 0) type(std::span{typed}.first(static_cast<std::size_t>(count)));
    watch_pty();
}

void Console::flush_pty() {
    while (!to_pty_.is_empty()) {
        auto const content = to_pty_.content();
        auto const count = ::write(pty_.controller.get(), content.data(), content.size());
        if (count <= 0) break;  // full until somebody reads the terminal
        to_pty_.pop(static_cast<std::size_t>(count));
    }
    watch_pty();
}

void Console::watch_pty() {
    if (!pty_watch_) return;
    auto const status = pty_watch_.set_events({.readable = to_domain_.room() > 0, .writable = !to_pty_.is_empty()});
    if (!status) spdlog::error("tty of domain {}: {}", name_, status.error().message());
}

void Console::stop_serving(std::string_view why) {
    spdlog::error("console of domain {} ({}) is served no longer: {}", domain_.raw(), name_, why);
    port_.reset();
    ring_.reset();
}

}  // namespace hospes::consoled
