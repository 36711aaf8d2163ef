// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/completion_ring.hpp"

#include "dom0-tools/base/liburing.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/ring_loop.hpp"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/socket.h>

#include <array>

using namespace hospes;
using namespace std::chrono_literals;
using hospes::test::Pipe;
using Fixture = hospes::test::RingLoop;

namespace {

// Reads one byte; `token` shows how long it lives.
class ReadByte final : public RingOperation {
public:
    ReadByte(int fd, std::function<void(int)> done, std::shared_ptr<int> token = {}) : fd_{fd}, done_{std::move(done)}, token_{std::move(token)} {}
    void prepare(io_uring_sqe& entry) override { io_uring_prep_read(&entry, fd_, &byte_, 1, 0); }
    void completed(int result, std::unique_ptr<RingOperation>) override { done_(result); }

private:
    int fd_;
    std::function<void(int)> done_;
    std::shared_ptr<int> token_;
    char byte_ = 0;
};

// Is complete as soon as it is handed over, and starts itself again if its function says so.
class Nothing final : public RingOperation {
public:
    Nothing(RingOperations& operations, std::function<bool()> again) : operations_{operations}, again_{std::move(again)} {}
    void prepare(io_uring_sqe& entry) override { io_uring_prep_nop(&entry); }
    void completed(int, std::unique_ptr<RingOperation> self) override {
        if (again_()) operations_.start(std::move(self));
    }

private:
    RingOperations& operations_;
    std::function<bool()> again_;
};

// A message that the other end has room for, or not: then it fails.
class Message final : public RingOperation {
public:
    Message(int fd, std::string bytes, std::function<void(int)> done) : fd_{fd}, bytes_{std::move(bytes)}, done_{std::move(done)} {}
    bool is_silent() const override { return true; }
    void prepare(io_uring_sqe& entry) override { io_uring_prep_send(&entry, fd_, bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_WAITALL); }
    void completed(int result, std::unique_ptr<RingOperation>) override { done_(result); }

private:
    int fd_;
    std::string bytes_;
    std::function<void(int)> done_;
};

struct SocketPair {
    UniqueFd one, two;
    SocketPair() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        one.reset(fds[0]);
        two.reset(fds[1]);
    }
};

}  // namespace

TEST_CASE("operations complete in the order of what happens, not of their start", "[base][ring]") {
    Fixture f;
    if (!f) return;
    RingOperations operations{*f.ring};
    Pipe first, second;
    std::string order;
    operations.start(std::make_unique<ReadByte>(first.read_end.get(), [&](int result) { order += result == 1 ? "1" : "?"; }));
    operations.start(std::make_unique<ReadByte>(second.read_end.get(), [&](int result) { order += result == 1 ? "2" : "?"; }));
    f.loop.run_once(false);
    CHECK(order.empty());
    second.fill();
    f.loop.run_once();
    first.fill();
    f.loop.run_once();
    CHECK(order == "21");
    f.loop.run();  // ends: nothing is under way any more
}

TEST_CASE("more operations than the queues hold are all made", "[base][ring]") {
    Fixture f;
    if (!f) return;
    RingOperations operations{*f.ring};
    int done = 0;
    for (int i = 0; i < 1000; ++i) operations.start(std::make_unique<Nothing>(operations, [&] { return ++done == 0; }));
    f.loop.run();
    CHECK(done == 1000);
}

TEST_CASE("a silent operation ends no wait, and its owner hears of it with what does", "[base][ring]") {
    Fixture f;
    if (!f) return;
    SocketPair sockets;
    RingOperations operations{*f.ring};
    std::vector<int> results;
    operations.start(std::make_unique<Message>(sockets.one.get(), "hello", [&](int result) { results.push_back(result); }));
    bool has_fired = false;
    auto timer = f.loop.call_after(30ms, [&] { has_fired = true; });
    int turns = 0;
    for (; !has_fired; ++turns) f.loop.run_once();
    CHECK(turns <= 4);
    CHECK(results == std::vector{0});
    std::array<char, 16> got{};
    CHECK(::recv(sockets.two.get(), got.data(), got.size(), 0) == 5);
}

TEST_CASE("a silent operation that fails says so, with what it has done", "[base][ring]") {
    Fixture f;
    if (!f) return;
    SocketPair sockets;
    RingOperations operations{*f.ring};
    std::vector<int> results;
    auto const send = [&](std::size_t size) {
        operations.start(std::make_unique<Message>(sockets.one.get(), std::string(size, 'x'), [&](int result) { results.push_back(result); }));
    };
    send(4 << 20);
    send(1);
    while (results.size() < 2) f.loop.run_once();
    CHECK((results[0] > 0 && results[0] < 4 << 20));
    CHECK(results[1] == -EAGAIN);
    std::size_t got = 0;
    std::string buffer(1 << 20, '\0');
    for (ssize_t count = 0; (count = ::recv(sockets.two.get(), buffer.data(), buffer.size(), 0)) > 0;) got += static_cast<std::size_t>(count);
    CHECK(got == static_cast<std::size_t>(results[0]));
}

TEST_CASE("a silent operation's slot is free again, whoever has gone away", "[base][ring]") {
    Fixture f;
    if (!f) return;
    SocketPair sockets;
    RingOperations other{*f.ring};
    int others = 0;
    for (int i = 0; i < 3; ++i) {
        RingOperations owner{*f.ring};
        owner.start(std::make_unique<Message>(sockets.one.get(), "x", [](int) {}));
        f.loop.run_once(false);
        owner.start(std::make_unique<Message>(sockets.one.get(), "y", [](int) { FAIL("called after all"); }));
        other.start(std::make_unique<Nothing>(other, [&] { return ++others == 0; }));
    }
    f.loop.run();
    CHECK(others == 3);
    std::array<char, 16> got{};
    CHECK(::recv(sockets.two.get(), got.data(), got.size(), 0) == 3);
}

TEST_CASE("nothing is called for an owner that is gone, and the memory stays until the kernel has let go", "[base][ring]") {
    Fixture f;
    if (!f) return;
    Pipe pipe;
    auto token = std::make_shared<int>();
    std::weak_ptr<int> const life = token;
    auto owner = std::make_optional<RingOperations>(*f.ring);
    owner->start(std::make_unique<ReadByte>(pipe.read_end.get(), [](int) { FAIL("called after all"); }, std::move(token)));
    f.loop.run_once(false);
    owner.reset();
    CHECK(!life.expired());
    f.loop.run_once();
    CHECK(life.expired());
    pipe.fill();
    f.loop.run_once(false);
    char byte = 0;
    CHECK(::read(pipe.read_end.get(), &byte, 1) == 1);  // it was cancelled: nobody has read it
}

TEST_CASE("what was not handed over when its owner went away never is", "[base][ring]") {
    Fixture f;
    if (!f) return;
    Pipe pipe;
    pipe.fill();
    auto token = std::make_shared<int>();
    std::weak_ptr<int> const life = token;
    {
        RingOperations owner{*f.ring};
        owner.start(std::make_unique<ReadByte>(pipe.read_end.get(), [](int) { FAIL("called after all"); }, std::move(token)));
    }
    CHECK(life.expired());
    f.loop.run_once(false);
    char byte = 0;
    CHECK(::read(pipe.read_end.get(), &byte, 1) == 1);
}

TEST_CASE("an owner may go away inside a completion, another one's completion of the same turn included", "[base][ring]") {
    Fixture f;
    if (!f) return;
    std::optional<RingOperations> one{std::in_place, *f.ring}, two{std::in_place, *f.ring};
    int calls = 0;
    auto const drop_both = [&] {
        ++calls;
        one.reset();
        two.reset();
        return false;
    };
    one->start(std::make_unique<Nothing>(*one, drop_both));
    two->start(std::make_unique<Nothing>(*two, drop_both));
    for (int turn = 0; turn < 3; ++turn) f.loop.run_once(false);
    CHECK(calls == 1);
}

TEST_CASE("a cancellation does not reach an operation that was started after it", "[base][ring]") {
    Fixture f;
    if (!f) return;
    Pipe old, fresh;
    auto owner = std::make_optional<RingOperations>(*f.ring);
    owner->start(std::make_unique<ReadByte>(old.read_end.get(), [](int) { FAIL("called after all"); }));
    f.loop.run_once(false);
    old.fill();
    owner.reset();
    RingOperations operations{*f.ring};
    int result = 0;
    operations.start(std::make_unique<ReadByte>(fresh.read_end.get(), [&](int value) { result = value; }));
    for (int turn = 0; turn < 3; ++turn) f.loop.run_once(false);
    CHECK(result == 0);
    fresh.fill();
    f.loop.run_once();
    CHECK(result == 1);
}

TEST_CASE("a ring goes away with operations under way", "[base][ring]") {
    Pipe pipe;
    auto token = std::make_shared<int>();
    std::weak_ptr<int> const life = token;
    {
        Fixture f;
        if (!f) return;
        RingOperations owner{*f.ring};
        owner.start(std::make_unique<ReadByte>(pipe.read_end.get(), [](int) { FAIL("called after all"); }, std::move(token)));
        f.loop.run_once(false);
    }
    CHECK(life.expired());
}

TEST_CASE("a ring that is never idle leaves timers, descriptors, signals and further turns their share", "[base][ring]") {
    Fixture f;
    if (!f) return;
    RingOperations operations{*f.ring};
    Pipe pipe;
    pipe.fill();
    bool has_fired = false, was_read = false, was_signalled = false, had_turn = false;
    auto timer = f.loop.call_after(1ms, [&] { has_fired = true; });
    auto watch = f.loop.watch_fd(pipe.read_end.get(), {.readable = true}, [&](FdEvents) { was_read = true; });
    auto signal = f.loop.watch_signal(SIGUSR1, [&] { was_signalled = true; });
    auto turn = f.loop.make_next_turn([&] { had_turn = true; });
    turn.ask();
    ::kill(::getpid(), SIGUSR1);
    operations.start(std::make_unique<Nothing>(operations, [&] {
        if (has_fired && was_read && was_signalled && had_turn) f.loop.stop();
        return true;
    }));
    f.loop.run();
    CHECK((has_fired && was_read && was_signalled && had_turn));
}

TEST_CASE("a loop that always has another turn to make leaves the ring its share", "[base][ring]") {
    Fixture f;
    if (!f) return;
    RingOperations operations{*f.ring};
    int turns = 0, completions = 0;
    NextTurn again;
    again = f.loop.make_next_turn([&] {
        ++turns;
        again.ask();
    });
    again.ask();
    operations.start(std::make_unique<Nothing>(operations, [&] { return ++completions != 0; }));
    for (int turn = 1; turn <= 5; ++turn) {
        f.loop.run_once();
        CHECK(turns == turn);
        CHECK(completions == turn);
    }
}

TEST_CASE("a descriptor whose watch starts or changes in a completion is watched at once", "[base][ring]") {
    Fixture f;
    if (!f) return;
    RingOperations operations{*f.ring};
    Pipe pipe;
    pipe.fill();
    FdWatch watch;
    operations.start(std::make_unique<Nothing>(operations, [&] {
        watch = *f.loop.watch_fd(pipe.read_end.get(), {.readable = true}, [&](FdEvents) { f.loop.stop(); });
        return false;
    }));
    f.loop.run();
    CHECK(watch.set_events({}).has_value());
    f.loop.run_once(false);
    operations.start(std::make_unique<Nothing>(operations, [&] { return !watch.set_events({.readable = true}); }));
    f.loop.run();
    SUCCEED("stopped twice by the watch");
}

TEST_CASE("a loop with a ring sleeps until there is something to do", "[base][ring]") {
    Fixture f;
    if (!f) return;
    RingOperations operations{*f.ring};
    Pipe silent, watched;
    operations.start(std::make_unique<ReadByte>(silent.read_end.get(), [](int) { FAIL("nobody has written"); }));
    auto watch = f.loop.watch_fd(watched.read_end.get(), {.readable = true}, [](FdEvents) { FAIL("nobody has written"); });
    bool has_fired = false;
    auto timer = f.loop.call_after(30ms, [&] { has_fired = true; });
    int turns = 0;
    for (; !has_fired; ++turns) f.loop.run_once();
    CHECK(turns <= 5);  // the descriptor is registered in one; a wait may end a little before the timer is due
}

TEST_CASE("a descriptor that stays readable is reported every turn", "[base][ring]") {
    Fixture f;
    if (!f) return;
    Pipe pipe;
    pipe.fill();
    int calls = 0;
    auto watch = f.loop.watch_fd(pipe.read_end.get(), {.readable = true}, [&](FdEvents) { ++calls; });
    for (int turn = 0; turn < 10; ++turn) f.loop.run_once();
    CHECK(calls >= 9);
}
