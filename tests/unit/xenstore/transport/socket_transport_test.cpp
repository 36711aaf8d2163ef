// SPDX-License-Identifier: Apache-2.0
// A client that reads nothing, on a socket; what it asks and what it is told come from the test.
#include "xenstore/transport/socket_transport.hpp"

#include "tests/support/ring_loop.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sys/socket.h>

#include <sstream>

namespace hospes::xenstore {

namespace {

constexpr usize kMegabyte = 1 << 20;

// Answers each request with a long reply.
class Chatterbox final : public Receiver {
public:
    bool may_receive() const override { return true; }
    void receive(Header const& header, std::string_view) override { output_.push_reply(header, std::string(kPayloadMax, 'r')); }
    void reset() override {}
    OutputQueue& output() override { return output_; }
    std::string const& name() const override { return name_; }

private:
    OutputQueue output_;
    std::string name_ = "socket 12 of process 345";
};

// What is logged while this lives.
class Log {
public:
    Log() : former_{spdlog::default_logger()} {
        spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)));
    }
    ~Log() { spdlog::set_default_logger(former_); }
    std::string text() const { return text_.str(); }

private:
    std::shared_ptr<spdlog::logger> former_;
    std::ostringstream text_;
};

struct Fixture : test::RingLoop {
    UniqueFd client;
    Chatterbox receiver;
    FlushList flushes;
    std::vector<std::string> reasons;
    std::optional<SocketTransport> transport;

    Fixture() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        client.reset(ends[0]);
        if (ring == nullptr) return;
        auto const lost = [this](std::string_view reason) { reasons.emplace_back(reason); };
        transport.emplace(*ring, UniqueFd{ends[1]}, receiver, flushes, SocketTransport::Callbacks{lost, [this] { flushes.run(); }});
    }
    void turns(int count) {
        for (int i = 0; i < count; ++i) loop.run_once(false);
    }
    // Events of `size` bytes or somewhat more.
    void tell(usize size) {
        constexpr usize kPathLength = 4000;
        std::string const rest(kPathLength, 'p');
        for (usize told = 0; told < size; told += kPathLength)
            receiver.output().push_event("/" + std::to_string(next_++) + rest, "t", std::numeric_limits<usize>::max());
    }

private:
    int next_ = 0;
};

}  // namespace

TEST_CASE("a client that asks and asks and reads nothing is not listened to any more", "[xenstore][socket]") {
    Fixture f;
    if (!f) return;
    auto const header = encode({.type = MessageType::read});
    usize sent = 0;
    for (int turn = 0; turn < 2000; ++turn) {
        while (::send(f.client.get(), header.data(), header.size(), 0) == static_cast<ssize_t>(header.size())) ++sent;
        f.turns(1);
    }
    CHECK(sent > 100);
    CHECK(f.receiver.output().bytes() > kMegabyte / 2);
    CHECK(f.receiver.output().bytes() < 8 * kMegabyte);
    CHECK(f.reasons.empty());
}

TEST_CASE("a client that is told more and more and reads nothing is lost, once, and the log says which", "[xenstore][socket]") {
    Fixture f;
    if (!f) return;
    Log log;
    f.tell(1);
    f.flushes.run();
    f.turns(10);
    f.tell(60 * kMegabyte);
    CHECK(f.reasons.empty());
    f.tell(8 * kMegabyte);
    REQUIRE(f.reasons.size() == 1);
    CHECK(log.text().find("socket 12 of process 345: ") != std::string::npos);
    CHECK(log.text().find("cut off") == log.text().rfind("cut off"));
}

TEST_CASE("a client that reads what it is told is kept, however much it is", "[xenstore][socket]") {
    Fixture f;
    if (!f) return;
    std::string buffer(kMegabyte, '\0');
    for (int part = 0; part < 20; ++part) {
        f.tell(5 * kMegabyte);
        f.flushes.run();
        while (!f.receiver.output().empty()) {
            f.turns(1);
            while (::recv(f.client.get(), buffer.data(), buffer.size(), 0) > 0) {
            }
        }
    }
    CHECK(f.reasons.empty());
}

}  // namespace hospes::xenstore
