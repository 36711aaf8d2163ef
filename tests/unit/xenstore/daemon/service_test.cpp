// SPDX-License-Identifier: Apache-2.0
// The daemon's loop on a real socket, in a thread of its own; the clients are the real ones.
#include "xenstore/client/client.hpp"
#include "xenstore/client/stream_channel.hpp"
#include "xenstore/daemon/service.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <atomic>
#include <thread>

namespace hospes::xenstore {

namespace {

class Daemon {
public:
    Daemon() {
        std::string name = "/tmp/xenstore-test-XXXXXX";
        REQUIRE(::mkdtemp(name.data()));
        directory_ = name;
        auto listener = listen_at(socket());
        REQUIRE(listener);
        thread_ = std::thread{[this, fd = listener->release()] { serve(UniqueFd{fd}); }};
    }
    ~Daemon() {
        is_over_ = true;
        thread_.join();
        ::unlink(socket().c_str());
        ::rmdir(directory_.c_str());
    }
    std::string socket() const { return directory_ + "/socket"; }

private:
    void serve(UniqueFd listener) {
        EventLoop loop;
        auto const ring = CompletionRing::open(loop);
        if (!ring) std::abort();
        FlushList flushes;
        FakeDomainHost host;
        Server server{host, Quotas{}};
        Service service{loop, **ring, server, flushes};
        auto end = loop.make_timer([&] {
            if (is_over_) loop.stop();
        });
        end.start(std::chrono::milliseconds{5}, std::chrono::milliseconds{5});
        if (!service.listen(std::move(listener))) std::abort();
        loop.run();
    }

    std::string directory_;
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

}  // namespace

TEST_CASE("clients on the socket share one store", "[xenstore][service]") {
    Daemon daemon;
    auto const one = Client::open(daemon.socket()).value();
    auto const two = Client::open(daemon.socket()).value();
    REQUIRE(one.write("/a", "1"));
    CHECK(two.read("/a").value() == "1");
}

TEST_CASE("another server does not take over a socket that is served", "[xenstore][service]") {
    Daemon daemon;
    CHECK(listen_at(daemon.socket()).error().code() == EADDRINUSE);
}

TEST_CASE("requests may be sent without waiting, and are answered in order", "[xenstore][service]") {
    Daemon daemon;
    auto channel = connect_to(daemon.socket()).value();
    constexpr u32 kCount = 5000;
    for (u32 id = 1; id <= kCount; ++id) {
        auto const payload = std::string{"/n\0", 3} + std::to_string(id);
        REQUIRE(channel->send({.type = MessageType::write, .request_id = 2 * id}, payload));
        REQUIRE(channel->send({.type = MessageType::read, .request_id = 2 * id + 1}, std::string_view{"/n\0", 3}));
    }
    for (u32 id = 1; id <= kCount; ++id) {
        REQUIRE(channel->receive(Wait::yes).value()->header.request_id == 2 * id);
        REQUIRE(channel->receive(Wait::yes).value()->payload == std::to_string(id));
    }
}

TEST_CASE("what is answered to a client that does not read for long is kept for it", "[xenstore][service]") {
    Daemon daemon;
    auto channel = connect_to(daemon.socket()).value();
    std::string const value(4000, 'v');
    REQUIRE(channel->send({.type = MessageType::write}, std::string{"/n\0", 3} + value));
    REQUIRE(channel->receive(Wait::yes).value());
    constexpr u32 kCount = 400;  // more than a socket holds, and than the daemon lets wait before it stops to listen
    for (u32 id = 1; id <= kCount; ++id) REQUIRE(channel->send({.type = MessageType::read, .request_id = id}, std::string_view{"/n\0", 3}));
    auto const other = Client::open(daemon.socket()).value();
    CHECK(other.write("/a", "1"));
    for (u32 id = 1; id <= kCount; ++id) {
        auto const answer = channel->receive(Wait::yes).value();
        REQUIRE(answer->header.request_id == id);
        REQUIRE(answer->payload == value);
    }
}

TEST_CASE("a client that fetches no events is cut off before they fill the memory, and disturbs nobody", "[xenstore][service]") {
    Daemon daemon;
    auto channel = connect_to(daemon.socket()).value();
    constexpr u32 kWatches = 100;
    std::string const long_token(4000, 't');
    for (u32 id = 0; id < kWatches; ++id) {
        auto const payload = std::string{"/n\0", 3} + std::to_string(id) + long_token + '\0';
        REQUIRE(channel->send({.type = MessageType::watch, .request_id = id}, payload));
        for (int message = 0; message < 2; ++message) REQUIRE(channel->receive(Wait::yes).value());
    }
    auto const other = Client::open(daemon.socket()).value();
    constexpr u32 kWrites = 200;  // 80 MB of events
    for (u32 count = 0; count < kWrites; ++count) REQUIRE(other.write("/n/" + std::to_string(count), ""));
    u32 received = 0;
    while (received < kWrites * kWatches && channel->receive(Wait::yes)) ++received;
    CHECK(received < kWrites * kWatches);
    CHECK(other.read("/n/7").value() == "");
}

TEST_CASE("a client that breaks the protocol or goes away disturbs nobody", "[xenstore][service]") {
    Daemon daemon;
    auto const other = Client::open(daemon.socket()).value();
    {
        auto channel = connect_to(daemon.socket()).value();
        REQUIRE(channel->send({.type = MessageType::write}, std::string(kPayloadMax + 1, 'x')));
        CHECK(channel->receive(Wait::yes).error().code() == ECONNRESET);
    }
    {
        auto const gone = Client::open(daemon.socket()).value();
        auto const watch = gone.watch("/", [](std::string_view) {});
        auto channel = connect_to(daemon.socket()).value();
        REQUIRE(channel->send({.type = MessageType::watch}, std::string_view{"/\0t\0", 4}));
    }
    CHECK(other.write("/a", "1"));
    CHECK(other.read("/a").value() == "1");
}

}  // namespace hospes::xenstore
