// SPDX-License-Identifier: Apache-2.0
#include "xenstore/client/client.hpp"
#include "xenstore/client/session.hpp"
#include "xenstore/client/stream_channel.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

namespace hospes::xenstore {

namespace {

bool is_readable(int fd) {
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
}

std::string encoded(MessageType type, u32 request_id, std::string_view payload) {
    auto const header = encode(Header{.type = type, .request_id = request_id, .length = static_cast<u32>(payload.size())});
    return std::string{header.data(), header.size()}.append(payload);
}

}  // namespace

TEST_CASE("a client reads what another wrote", "[xenstore][client]") {
    MemoryStore store;
    auto const writer = store.connect();
    auto const reader = store.connect();

    REQUIRE(writer.write("/a/b", std::string{"x\0y", 3}));
    CHECK(reader.read("/a/b").value() == std::string{"x\0y", 3});
    CHECK(reader.directory("/a").value() == std::vector<std::string>{"b"});
    CHECK(reader.exists("/a").value());
    CHECK_FALSE(reader.exists("/b").value());

    REQUIRE(reader.remove("/a"));
    CHECK(writer.read("/a/b").error().code() == ENOENT);
    CHECK(writer.read_if_present("/a/b").value() == std::nullopt);
}

TEST_CASE("an error names what was asked for", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    auto const missing = client.read("/no/such");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code() == ENOENT);
    CHECK(missing.error().message() == "xenstore /no/such: No such file or directory");
}

TEST_CASE("a directory that does not fit in one reply is read in parts", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    std::vector<std::string> expected;
    for (int i = 0; i < 2000; ++i) {
        expected.push_back(fmt::format("child-{:05}", i));
        REQUIRE(client.mkdir("/many/" + expected.back()));
    }
    CHECK(client.directory("/many").value() == expected);
}

TEST_CASE("many nodes are read at once, those that are not there among them", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    std::vector<std::string> paths;
    std::vector<std::optional<std::string>> expected;
    for (int i = 0; i < 100; ++i) {
        paths.push_back(fmt::format("/many/{}", i));
        expected.push_back(i % 3 == 0 ? std::nullopt : std::optional{fmt::format("value {}", i)});
        if (expected.back()) REQUIRE(client.write(paths.back(), *expected.back()));
    }
    CHECK(client.read_all(paths).value() == expected);
    CHECK(client.read_all({}).value().empty());
    CHECK(client.read_all(std::vector<std::string>{"/many/1", "//"}).error().code() == EINVAL);
}

TEST_CASE("changes of a transaction are there for what it reads, and for others after the commit", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    auto const other = store.connect();
    auto const body = [&](StoreView const& tx) -> Status {
        HV_TRY(tx.mkdir("/new"));
        HV_TRY(tx.write("/new/a", "1"));
        CHECK(tx.directory("/new").value() == std::vector<std::string>{"a"});
        HV_TRY(tx.write("/new/b", "2"));
        CHECK_FALSE(other.exists("/new").value());
        return {};
    };
    REQUIRE(client.transact(body));
    CHECK(other.directory("/new").value() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a change that is refused ends its transaction, and nothing of it is left", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    int runs = 0;
    auto const body = [&](StoreView const& tx) -> Status {
        ++runs;
        HV_TRY(tx.write("/a", "1"));
        HV_TRY(tx.write("//", "2"));
        return tx.write("/c", "3");
    };
    auto const done = client.transact(body);
    REQUIRE_FALSE(done);
    CHECK(done.error().code() == EINVAL);
    CHECK(done.error().message() == "xenstore //: Invalid argument");
    CHECK(runs == 1);
    CHECK_FALSE(client.exists("/a").value());
    REQUIRE(client.write("/c", "4"));  // the session goes on
    CHECK(client.read("/c").value() == "4");
}

TEST_CASE("a transaction that is given up changes nothing", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    auto const body = [&](StoreView const& tx) -> Status {
        HV_TRY(tx.write("/a", "1"));
        return fail(EBUSY, "enough");
    };
    CHECK(client.transact(body).error().code() == EBUSY);
    CHECK_FALSE(client.exists("/a").value());
}

TEST_CASE("a transaction that meets a conflict is tried again", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    auto const other = store.connect();
    REQUIRE(client.write("/counter", "1"));
    int attempts = 0;

    auto const result = client.transact([&](StoreView const& tx) -> Result<std::string> {
        auto const value = HV_TRY(tx.read("/counter"));
        if (++attempts == 1) REQUIRE(other.write("/counter", "5"));
        HV_TRY(tx.write("/counter", value + "0"));
        return value;
    });
    CHECK(result.value() == "5");
    CHECK(attempts == 2);
    CHECK(client.read("/counter").value() == "50");
}

TEST_CASE("a transaction whose body fails leaves nothing behind", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    auto const result = client.transact([&](StoreView const& tx) -> Status {
        HV_TRY(tx.write("/half", "done"));
        return fail(EIO, "no more");
    });
    CHECK(result.error().code() == EIO);
    CHECK_FALSE(client.exists("/half").value());
}

TEST_CASE("a watch calls back at once and after each change, from dispatch() only", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    auto const other = store.connect();
    std::vector<std::string> seen;
    auto watch = client.watch("/dev", [&](std::string_view path) { seen.emplace_back(path); });
    REQUIRE(watch);

    CHECK(seen.empty());
    CHECK(is_readable(client.fd()));
    REQUIRE(client.dispatch());
    CHECK(seen == std::vector<std::string>{"/dev"});
    CHECK_FALSE(is_readable(client.fd()));

    REQUIRE(other.write("/dev/x/state", "1"));
    REQUIRE(client.read("/dev/x/state"));  // the event comes before this reply, and is kept
    CHECK(is_readable(client.fd()));
    REQUIRE(client.dispatch());
    CHECK(seen.back() == "/dev/x/state");

    watch->reset();
    REQUIRE(other.write("/dev/x/state", "2"));
    REQUIRE(client.dispatch());
    CHECK(seen.size() == 2);
}

TEST_CASE("an event that comes in one piece with a reply is dispatched, though nothing more arrives", "[xenstore][client]") {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    UniqueFd const server{ends[1]};
    auto session = Session::over(std::make_unique<StreamChannel>(UniqueFd{ends[0]}, "test", MessagesPerWrite::many));
    REQUIRE(session);
    using namespace std::string_literals;
    using namespace std::string_view_literals;
    auto const watched = encoded(MessageType::watch, 1, "OK\0"sv);
    REQUIRE(::write(server.get(), watched.data(), watched.size()) == static_cast<ssize_t>(watched.size()));
    int events = 0;
    auto const token = (*session)->add_watch("/a", [&](std::string_view) { ++events; });
    REQUIRE(token);
    CHECK_FALSE(is_readable((*session)->fd()));

    auto const both = encoded(MessageType::read, 2, "value") + encoded(MessageType::watch_event, 0, "/a\0"s + *token + "\0"s);
    REQUIRE(::write(server.get(), both.data(), both.size()) == static_cast<ssize_t>(both.size()));
    CHECK((*session)->call(MessageType::read, 0, "/a\0"sv) == "value");
    CHECK(is_readable((*session)->fd()));
    CHECK((*session)->dispatch());
    CHECK(events == 1);
    CHECK_FALSE(is_readable((*session)->fd()));
}

TEST_CASE("a watch may be removed by its own callback, and requests made there", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    Watch watch;
    int calls = 0;
    watch = client.watch("/a", [&](std::string_view) {
        ++calls;
        watch.reset();
        CHECK(client.write("/a", "again"));
    }).value();
    REQUIRE(client.dispatch());
    REQUIRE(client.dispatch());
    CHECK(calls == 1);
}

TEST_CASE("domains are introduced and released", "[xenstore][client]") {
    MemoryStore store;
    auto const client = store.connect();
    store.host().add(DomId{7});
    std::vector<std::string> seen;
    auto const introduced = client.watch("@introduceDomain", [&](std::string_view path) { seen.emplace_back(path); });
    auto const released = client.watch("@releaseDomain", [&](std::string_view path) { seen.emplace_back(path); });
    REQUIRE(client.dispatch());
    seen.clear();

    CHECK_FALSE(client.is_introduced(DomId{7}).value());
    REQUIRE(client.introduce(DomId{7}, Gfn{100}, EventPort{3}));
    CHECK(client.is_introduced(DomId{7}).value());
    CHECK(client.domain_path(DomId{7}).value() == "/local/domain/7");
    REQUIRE(client.release(DomId{7}));
    CHECK_FALSE(client.is_introduced(DomId{7}).value());
    REQUIRE(client.dispatch());
    CHECK(seen == std::vector<std::string>{"@introduceDomain", "@releaseDomain"});

    CHECK(client.introduce(DomId{9}, Gfn{100}, EventPort{3}).error().code() == EINVAL);
    CHECK(client.release(DomId{9}).error().code() == ENOENT);
}

}  // namespace hospes::xenstore
