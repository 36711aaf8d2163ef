// SPDX-License-Identifier: Apache-2.0
// One client of consoled's socket. It sends one line, {"domain":"web","mode":"rw"}; it gets one line, {"ok":true,...} or
// {"error":"..."}; then raw bytes both ways.
#pragma once

#include "dom0-tools/consoled/console.hpp"

namespace hospes::consoled {

class Session final : public Reader {
public:
    static constexpr std::size_t kRequestLimit = 4096;

    // What a client asks for.
    struct Request {
        std::string domain;  // name or number
        bool wants_input = false;
    };
    // Decodes the first line; the error's message is for the client.
    static Result<Request> parse_request(std::string_view line);

    // `on_request` is called once, with a request to be answered by attach() or refuse(); `on_end` when the session is over:
    // destroy it then, but not from within that call.
    static Result<std::unique_ptr<Session>> start(EventLoop& loop, UniqueFd fd, std::function<void(Session&)> on_request, std::function<void(Session&)> on_end);
    ~Session() override;

    Request const& request() const { return request_; }
    void attach(Console& console);
    void refuse(std::string_view why);
    bool has_ended() const { return has_ended_; }

private:
    Session(UniqueFd fd, std::function<void(Session&)> on_request, std::function<void(Session&)> on_end);

    void show(std::span<std::byte const> output) override;
    void input_has_room() override { read_more_ = true, update_watch(); }
    void console_ended() override;

    void on_ready(FdEvents events);
    void read_line();
    void read_input();
    void flush();
    void update_watch();
    void send_line(std::string const& line);
    void end();
    void finish_after_flush();

    UniqueFd fd_;
    FdWatch watch_;
    std::function<void(Session&)> on_request_;
    std::function<void(Session&)> on_end_;
    std::string line_;
    Request request_;
    Console* console_ = nullptr;
    ByteQueue output_{Console::kScrollBack + (std::size_t{256} << 10)};
    bool got_request_ = false;
    bool read_more_ = true;
    bool is_finishing_ = false;
    bool has_ended_ = false;
};

}  // namespace hospes::consoled
