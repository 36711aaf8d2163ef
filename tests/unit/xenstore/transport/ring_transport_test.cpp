// SPDX-License-Identifier: Apache-2.0
// A domain on its ring, served by the real server; the test is the domain's kernel.
#include "dom0-tools/base/unique_fd.hpp"
#include "tests/support/store_guest.hpp"

#include <catch2/catch.hpp>

#include <sys/eventfd.h>

namespace hospes::xenstore {

namespace {

struct Guest : test::StoreGuest {
    std::string answers;  // fetched, and not yet looked at

    void connect() { REQUIRE(StoreGuest::connect()); }
    void kick() { StoreGuest::kick(100); }
    int notified() const { return channels.ports().at(channels.local_port(kGuest, kPort)).notified; }

    // Puts bytes into the ring, as many as fit at a time, and lets the server run until all are taken.
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            put(bytes);
            auto const before = page.req_cons;
            kick();
            fetch();
            if (page.req_cons == before && !bytes.empty()) FAIL("the server takes nothing");
        }
    }
    void fetch() {
        bool moved = false;
        do {
            moved = page.rsp_cons != page.rsp_prod;
            while (page.rsp_cons != page.rsp_prod) answers += page.rsp[page.rsp_cons++ % kStoreRingSize];
            if (moved) kick();
        } while (moved);
    }
    static std::string request(MessageType type, std::string_view payload, u32 id = 1) {
        auto const header = encode({.type = type, .request_id = id, .transaction = 0, .length = static_cast<u32>(payload.size())});
        return std::string{header.data(), header.size()}.append(payload);
    }
    // The next answer's request number and payload.
    std::pair<u32, std::string> next() {
        REQUIRE(answers.size() >= kHeaderSize);
        auto const header = decode(std::span<char const, kHeaderSize>{answers.data(), kHeaderSize});
        REQUIRE(answers.size() >= kHeaderSize + header.length);
        auto payload = answers.substr(kHeaderSize, header.length);
        answers.erase(0, kHeaderSize + header.length);
        return {header.request_id, payload};
    }
};

using namespace std::string_view_literals;

constexpr auto kWrite = "data/x\0value"sv;
constexpr auto kRead = "data/x\0"sv;

}  // namespace

TEST_CASE("a domain writes and reads over its ring", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    CHECK(guest.notified() == 1);
    guest.send(Guest::request(MessageType::write, kWrite, 7) + Guest::request(MessageType::read, kRead, 8));
    CHECK(guest.next() == std::pair{7u, std::string{"OK\0", 3}});
    CHECK(guest.next() == std::pair{8u, std::string{"value"}});
    CHECK(guest.notified() > 1);
    CHECK(guest.page.server_features == 7);
}

TEST_CASE("requests that come in pieces, larger than the ring, or many at once are all served in order", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    std::string stream;
    for (u32 id = 0; id < 200; ++id) {
        auto const value = std::string{kRead} + std::string(id * 10, 'v');
        stream += Guest::request(MessageType::write, value, 2 * id) + Guest::request(MessageType::read, kRead, 2 * id + 1);
    }
    SECTION("as fast as the ring takes them") { guest.send(stream); }
    SECTION("a few bytes at a time") {
        for (std::string_view rest = stream; !rest.empty(); rest.remove_prefix(std::min<usize>(rest.size(), 37))) guest.send(rest.substr(0, 37));
    }
    for (u32 id = 0; id < 200; ++id) {
        CHECK(guest.next() == std::pair{2 * id, std::string{"OK\0", 3}});
        CHECK(guest.next() == std::pair{2 * id + 1, std::string(id * 10, 'v')});
    }
}

TEST_CASE("a domain that does not fetch its answers is not listened to", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    auto const one = Guest::request(MessageType::write, std::string{kRead} + std::string(500, 'v')) + Guest::request(MessageType::read, kRead);
    for (int i = 0; i < 100; ++i) {
        for (char const c : one) {
            if (guest.page.req_prod - guest.page.req_cons < kStoreRingSize) guest.page.req[guest.page.req_prod++ % kStoreRingSize] = c;
        }
        guest.kick();
    }
    CHECK(guest.connection.output().size() <= guest.server.quotas().outstanding);
    CHECK(guest.page.req_prod - guest.page.req_cons > 0);
}

TEST_CASE("a domain that keeps its ring full lets the others have their turn", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    int refills = 0, refills_before_others = -1;
    UniqueFd const other{::eventfd(1, EFD_CLOEXEC)};
    auto const watch = guest.loop.watch_fd(other.get(), {.readable = true}, [&](FdEvents) {
        if (refills_before_others < 0) refills_before_others = refills;
    });
    REQUIRE(watch);
    auto const one = Guest::request(MessageType::read, kRead);
    auto const refill = [&] {
        guest.page.rsp_cons = guest.page.rsp_prod;
        while (guest.page.req_prod - guest.page.req_cons + one.size() <= kStoreRingSize) {
            std::string_view rest = one;
            guest.put(rest);
        }
    };
    guest.channels.on_notify = [&] {
        if (++refills < 1000) refill();
    };
    refill();
    guest.kick();
    CHECK(refills > 10);
    CHECK(refills_before_others >= 0);
    CHECK(refills_before_others < 10);
}

TEST_CASE("an over-long message or impossible indices end the service, not the server", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    bool const is_too_long = GENERATE(true, false);
    if (is_too_long) {
        auto header = encode({.type = MessageType::read, .request_id = 1, .transaction = 0, .length = kPayloadMax + 1});
        for (char const c : header) guest.page.req[guest.page.req_prod++ % kStoreRingSize] = c;
    } else {
        guest.page.req_prod = guest.page.req_cons + kStoreRingSize + 1;
    }
    guest.kick();
    CHECK(guest.page.error == (is_too_long ? XENSTORE_ERROR_PROTO : XENSTORE_ERROR_RINGIDX));
    auto const consumed = guest.page.req_cons;
    guest.kick();
    CHECK(guest.page.req_cons == consumed);

    SECTION("a fresh start of the domain's kernel repairs it") {
        guest.page.connection = XENSTORE_RECONNECT;
        guest.kick();
        CHECK(guest.page.connection == XENSTORE_CONNECTED);
        CHECK(guest.page.error == XENSTORE_ERROR_NONE);
    }
    SECTION("and so does another introduction") { REQUIRE(guest.link->connect(Guest::kPort)); }
    guest.send(Guest::request(MessageType::write, kWrite));
    CHECK(guest.next().second == std::string{"OK\0", 3});
}

TEST_CASE("a kernel that starts afresh has no watches, transactions or half messages left", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    guest.send(Guest::request(MessageType::watch, "data\0t\0"sv) + Guest::request(MessageType::transaction_start, "\0"sv));
    auto const half = Guest::request(MessageType::read, kRead).substr(0, 18);
    guest.send(half);
    REQUIRE(guest.server.watches().count(guest.connection.id()) == 1);
    guest.page.connection = XENSTORE_RECONNECT;
    guest.kick();
    guest.answers.clear();
    CHECK(guest.server.watches().count(guest.connection.id()) == 0);
    CHECK(guest.connection.transaction_count() == 0);
    CHECK(guest.page.req_prod == 0);
    guest.send(Guest::request(MessageType::write, kWrite, 5));
    CHECK(guest.next().first == 5);
}

TEST_CASE("a domain whose next introduction fails is cut off, until one succeeds", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    guest.send(Guest::request(MessageType::watch, "data\0t\0"sv));
    guest.answers.clear();
    auto const change = [&] {
        guest.server.fire(Changes{guest.server.tree().set_value(*Path::parse("/local/domain/5/data", "/"), "1")});
        guest.flushes.run();
    };
    REQUIRE_FALSE(guest.link->connect(EventPort{99}));
    change();
    guest.link->flush();
    guest.page.connection = XENSTORE_RECONNECT;
    for (int i = 0; i < 10; ++i) guest.loop.run_once(false);
    CHECK(guest.channels.ports().empty());
    CHECK(guest.page.connection == XENSTORE_RECONNECT);

    REQUIRE(guest.link->connect(Guest::kPort));
    CHECK(guest.page.rsp_prod == 0);
    CHECK(guest.page.connection == XENSTORE_CONNECTED);
    guest.send(Guest::request(MessageType::write, kWrite, 5));
    CHECK(guest.next().first == 5);
}

TEST_CASE("a domain cut off in the middle of its requests is left alone", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    auto const one = Guest::request(MessageType::read, kRead);
    for (int i = 0; i < 30; ++i) {
        std::string_view rest = one;
        guest.put(rest);
    }
    guest.channels.fire(guest.channels.local_port(Guest::kGuest, Guest::kPort));  // more than a turn's worth: the rest is put off
    REQUIRE_FALSE(guest.link->connect(EventPort{99}));
    auto const consumed = guest.page.req_cons;
    for (int i = 0; i < 10; ++i) guest.loop.run_once(false);
    CHECK(guest.page.req_cons == consumed);
}

TEST_CASE("an event reaches a domain that asks for nothing", "[xenstore][ring]") {
    Guest guest;
    guest.connect();
    guest.send(Guest::request(MessageType::watch, "data\0t\0"sv));
    guest.answers.clear();
    auto const before = guest.notified();
    guest.server.fire(Changes{guest.server.tree().set_value(*Path::parse("/local/domain/5/data", "/"), "1")});
    guest.flushes.run();
    CHECK(guest.notified() == before + 1);
    guest.fetch();
    CHECK(guest.next() == std::pair{0u, std::string{"data\0t\0", 7}});
}

}  // namespace hospes::xenstore
