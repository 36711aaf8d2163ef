// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/session.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace hospes::consoled {
namespace {

using Json = nlohmann::json;

constexpr char const* kUsage = R"(the first line must be {"domain":"NAME or NUMBER","mode":"rw" or "ro"})";

}  // namespace

Session::Session(UniqueFd fd, std::function<void(Session&)> on_request, std::function<void(Session&)> on_end)
    : fd_{std::move(fd)}, on_request_{std::move(on_request)}, on_end_{std::move(on_end)} {}

Session::~Session() {
    if (console_ != nullptr) console_->remove_reader(*this);
}

Result<std::unique_ptr<Session>> Session::start(EventLoop& loop, UniqueFd fd, std::function<void(Session&)> on_request, std::function<void(Session&)> on_end) {
    std::unique_ptr<Session> session{new Session{std::move(fd), std::move(on_request), std::move(on_end)}};
    session->watch_ = HV_TRY(loop.watch_fd(session->fd_.get(), {.readable = true}, [raw = session.get()](FdEvents events) { raw->on_ready(events); }));
    return session;
}

Result<Session::Request> Session::parse_request(std::string_view line) {
    auto const json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("domain")) return fail(EINVAL, "{}", kUsage);
    auto const& domain = json["domain"];
    Request request;
    if (domain.is_string()) request.domain = domain.get<std::string>();
    else if (domain.is_number_unsigned()) request.domain = std::to_string(domain.get<std::uint64_t>());
    auto const mode = json.contains("mode") ? json["mode"] : Json("rw");
    if (request.domain.empty() || (mode != "rw" && mode != "ro")) return fail(EINVAL, "{}", kUsage);
    request.wants_input = mode == "rw";
    return request;
}

void Session::attach(Console& console) {
    if (request_.wants_input && !console.claim_input(*this))
        return refuse(fmt::format("somebody else is typing on the console of domain {}: read it with mode \"ro\", or end that session first", console.name()));
    Json const reply{{"ok", true}, {"domain", console.domain().raw()}, {"name", console.name()}, {"mode", request_.wants_input ? "rw" : "ro"}, {"tty", console.tty()}};
    send_line(reply.dump(-1, ' ', false, Json::error_handler_t::replace));
    console_ = &console;
    read_more_ = true;
    console.add_reader(*this);
    read_more_ = true;
    update_watch();
}

void Session::refuse(std::string_view why) {
    send_line(Json{{"error", why}}.dump(-1, ' ', false, Json::error_handler_t::replace));
    finish_after_flush();
}

void Session::show(std::span<std::byte const> output) {
    if (has_ended_) return;
    output_.push(output);
    flush();
}

void Session::console_ended() {
    console_ = nullptr;
    finish_after_flush();
}

void Session::on_ready(FdEvents events) {
    if (events.failed) return end();
    if (events.writable) flush();
    if (has_ended_ || !events.readable) return;
    if (!got_request_) return read_line();
    read_input();
}

void Session::read_line() {
    std::array<char, kRequestLimit> chunk;
    // Bytes behind the line are input already: they are left in the socket.
    auto const peeked = ::recv(fd_.get(), chunk.data(), chunk.size(), MSG_PEEK | MSG_DONTWAIT);
    if (peeked < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (peeked <= 0) return end();
    std::string_view const seen{chunk.data(), static_cast<std::size_t>(peeked)};
    auto const newline = seen.find('\n');
    auto const taken = newline == std::string_view::npos ? seen.size() : newline + 1;
    line_.append(seen.substr(0, taken));
    if (::recv(fd_.get(), chunk.data(), taken, MSG_DONTWAIT) != static_cast<ssize_t>(taken)) return end();
    if (newline == std::string_view::npos && line_.size() < kRequestLimit) return;

    got_request_ = true;
    auto const request = parse_request(line_);
    if (!request) return refuse(request.error().message());
    request_ = *request;
    read_more_ = false;  // until the console is there
    update_watch();
    on_request_(*this);
}

void Session::read_input() {
    std::array<std::byte, 1024> typed;
    auto const peeked = ::recv(fd_.get(), typed.data(), typed.size(), MSG_PEEK | MSG_DONTWAIT);
    if (peeked < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (peeked <= 0) return end();
    auto count = static_cast<std::size_t>(peeked);  // a reader's input is taken and thrown away
    if (request_.wants_input && console_ != nullptr) {
        count = console_->type(std::span{typed}.first(count));
        read_more_ = count == static_cast<std::size_t>(peeked);
    }
    if (count > 0 && ::recv(fd_.get(), typed.data(), count, MSG_DONTWAIT) < 0) return end();
    update_watch();
}

void Session::flush() {
    if (auto const dropped = output_.take_dropped(); dropped > 0) {
        auto const notice = fmt::format("\r\n[{} bytes of output were lost: this reader is too slow]\r\n", dropped);
        output_.push(std::as_bytes(std::span{notice}));
    }
    while (!output_.is_empty()) {
        auto const content = output_.content();
        auto const count = ::send(fd_.get(), content.data(), content.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) return end();
        output_.pop(static_cast<std::size_t>(count));
    }
    if (is_finishing_ && output_.is_empty()) return end();
    update_watch();
}

void Session::update_watch() {
    if (has_ended_) return;
    // Once a request has been read, the socket is watched for input when there is room for it.
    bool const wants_reading = !is_finishing_ && (!got_request_ || (console_ != nullptr && read_more_));
    if (!watch_.set_events({.readable = wants_reading, .writable = !output_.is_empty()})) end();
}

void Session::send_line(std::string const& line) {
    output_.push(std::as_bytes(std::span{line}));
    output_.push(std::as_bytes(std::span{"\n", 1}));
    flush();
}

void Session::finish_after_flush() {
    is_finishing_ = true;
    flush();
}

void Session::end() {
    if (std::exchange(has_ended_, true)) return;
    watch_.reset();
    if (console_ != nullptr) console_->remove_reader(*this);
    console_ = nullptr;
    on_end_(*this);
}

}  // namespace hospes::consoled
