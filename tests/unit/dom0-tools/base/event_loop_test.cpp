// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/event_loop.hpp"

#include "tests/support/pipe.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <optional>

using namespace hospes;
using namespace std::chrono_literals;
using hospes::test::Pipe;

TEST_CASE("a descriptor watch reports data and sleeps when nothing is wanted", "[base][event_loop]") {
    EventLoop loop;
    Pipe pipe;
    int calls = 0;
    auto watch = loop.watch_fd(pipe.read_end.get(), {.readable = true}, [&](FdEvents events) {
        CHECK(events.readable);
        ++calls;
    });
    REQUIRE(watch.has_value());
    loop.run_once(false);
    CHECK(calls == 0);
    pipe.fill();
    loop.run_once();
    loop.run_once();
    CHECK(calls == 2);  // level-triggered: the byte is still there
    REQUIRE(watch->set_events({}).has_value());
    loop.run_once(false);
    CHECK(calls == 2);
}

TEST_CASE("a watch may be destroyed inside its own callback", "[base][event_loop]") {
    EventLoop loop;
    Pipe pipe;
    pipe.fill();
    FdWatch watch;
    int calls = 0;
    std::string captured(100, 'c');  // would be freed under the callback's feet if the callback died with the watch
    watch = *loop.watch_fd(pipe.read_end.get(), {.readable = true}, [&, captured](FdEvents) {
        watch.reset();
        ++calls;
        CHECK(captured.size() == 100);
    });
    loop.run_once();
    loop.run_once(false);
    CHECK(calls == 1);
}

TEST_CASE("a watch that another callback of the same turn destroys is not called", "[base][event_loop]") {
    EventLoop loop;
    Pipe one, two;
    one.fill();
    two.fill();
    FdWatch first, second;
    int calls = 0;
    first = *loop.watch_fd(one.read_end.get(), {.readable = true}, [&](FdEvents) { ++calls, first.reset(), second.reset(); });
    second = *loop.watch_fd(two.read_end.get(), {.readable = true}, [&](FdEvents) { ++calls, first.reset(), second.reset(); });
    loop.run_once();
    loop.run_once(false);
    CHECK(calls == 1);
}

TEST_CASE("a descriptor number may be reused at once by a new watch", "[base][event_loop]") {
    EventLoop loop;
    std::optional<Pipe> old{std::in_place};
    int const number = old->read_end.get();
    auto watch = *loop.watch_fd(number, {.readable = true}, [](FdEvents) { FAIL("the old watch was called"); });
    watch.reset();
    old.reset();
    Pipe fresh;
    REQUIRE(fresh.read_end.get() == number);
    int calls = 0;
    watch = *loop.watch_fd(number, {.readable = true}, [&](FdEvents) { ++calls; });
    fresh.fill();
    loop.run_once();
    CHECK(calls == 1);
}

TEST_CASE("a regular file cannot be watched and says so", "[base][event_loop]") {
    EventLoop loop;
    auto const fd = open_file("/proc/self/exe", O_RDONLY);
    auto const watch = loop.watch_fd(fd->get(), {.readable = true}, [](FdEvents) {});
    REQUIRE(!watch.has_value());
    CHECK(watch.error().code() == EPERM);
}

TEST_CASE("timers fire once or periodically, and can be re-armed and destroyed from their callback", "[base][event_loop]") {
    EventLoop loop;
    int periodic_calls = 0, again_calls = 0;
    Timer periodic, again;
    periodic = loop.make_timer([&] {
        if (++periodic_calls == 3) periodic.reset();
    });
    again = loop.make_timer([&] {
        if (++again_calls < 3) again.start(0ms);
    });
    periodic.start(0ms, 1ms);
    again.start(0ms);
    CHECK(again.is_armed());
    loop.run();  // ends because nothing is armed any more
    CHECK(periodic_calls == 3);
    CHECK(again_calls == 3);
    CHECK(!again.is_armed());
}

TEST_CASE("a deferred call is made in the next turn, and not at all once its handle is gone", "[base][event_loop]") {
    EventLoop loop;
    int calls = 0;
    auto kept = loop.defer([&] { ++calls; });
    { auto dropped = loop.defer([&] { calls += 100; }); }
    CHECK(calls == 0);
    loop.run();
    CHECK(calls == 1);
}

TEST_CASE("work that asks for the next turn again and again lets the others have theirs", "[base][event_loop]") {
    EventLoop loop;
    Pipe pipe;
    pipe.fill();
    int calls = 0, reads = 0;
    NextTurn again;
    again = loop.make_next_turn([&] {
        REQUIRE(++calls < 10);
        again.ask();
    });
    auto watch = loop.watch_fd(pipe.read_end.get(), {.readable = true}, [&](FdEvents) { ++reads; });
    again.ask();
    for (int turn = 1; turn <= 3; ++turn) {
        loop.run_once(false);
        CHECK(calls == turn);
        CHECK(reads == turn);
    }
    again = {};
    loop.run_once(false);
    CHECK(calls == 3);
}

TEST_CASE("a signal arrives as an event", "[base][event_loop]") {
    EventLoop loop;
    auto watch = loop.watch_signal(SIGUSR1, [&] { loop.stop(); });
    REQUIRE(watch.has_value());
    ::kill(::getpid(), SIGUSR1);
    loop.run();
    SUCCEED("the loop was stopped by the signal");
}
