// SPDX-License-Identifier: Apache-2.0
// One thread, one loop (libuv). Whoever registers for something gets an object back, and the registration lives as long as
// that object. Destroying it is safe at any time, inside its own callback and inside another one of the same turn included:
// after the destructor the callback is not called any more.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

struct uv_loop_s;

namespace hospes {

// What a descriptor is watched for, or what was found.
struct FdEvents {
    bool readable = false;
    bool writable = false;
    bool failed = false;  // only found: an error condition on the descriptor; the watch is stopped
};

namespace detail {
struct FdSource;
struct TimerSource;
struct SignalSource;
struct TurnSource;
// Closing a libuv handle takes until the next turn: the source frees itself then, its callback is forgotten at once.
struct SourceCloser {
    void operator()(FdSource* source) const;
    void operator()(TimerSource* source) const;
    void operator()(SignalSource* source) const;
    void operator()(TurnSource* source) const;
};
}  // namespace detail

// Watches one descriptor, level-triggered. The descriptor must outlive the watch; a descriptor has at most one watch.
class FdWatch {
public:
    FdWatch() = default;
    // Changes what is watched for; with nothing set, the watch sleeps.
    Status set_events(FdEvents wanted);
    void reset() { source_.reset(); }
    explicit operator bool() const { return source_ != nullptr; }

private:
    friend class EventLoop;
    std::unique_ptr<detail::FdSource, detail::SourceCloser> source_;
};

// A timer, one-shot or periodic. It can be re-armed from its own callback.
class Timer {
public:
    Timer() = default;
    void start(std::chrono::milliseconds delay, std::chrono::milliseconds period = {});
    void stop();
    bool is_armed() const;
    void reset() { source_.reset(); }
    explicit operator bool() const { return source_ != nullptr; }

private:
    friend class EventLoop;
    std::unique_ptr<detail::TimerSource, detail::SourceCloser> source_;
};

class SignalWatch {
public:
    SignalWatch() = default;
    void reset() { source_.reset(); }
    explicit operator bool() const { return source_ != nullptr; }

private:
    friend class EventLoop;
    std::unique_ptr<detail::SignalSource, detail::SourceCloser> source_;
};

// For work that goes on and on: one call in the next turn of the loop, when all the others have been served once. A timer
// without delay that is started again from its own callback would be called again at once, and nobody else ever.
class NextTurn {
public:
    NextTurn() = default;
    void ask();  // also from its own callback

private:
    friend class EventLoop;
    std::unique_ptr<detail::TurnSource, detail::SourceCloser> source_;
};

// Where a loop waits instead of in a poll of its own descriptor (completion_ring.hpp): that one is among what it waits for.
class WaitingPoint {
public:
    virtual ~WaitingPoint() = default;
    // Waits until something has come, for at most `limit` (without one: for ever), and serves what is its own.
    // True if the loop's descriptor has become readable.
    virtual bool wait(std::optional<std::chrono::milliseconds> limit) = 0;
    // Nobody has asked it for anything that is still to come.
    virtual bool is_idle() const = 0;
};

class EventLoop {
public:
    EventLoop();  // aborts the program if the kernel has no epoll descriptor for it: nothing can run without a loop
    EventLoop(EventLoop const&) = delete;
    EventLoop& operator=(EventLoop const&) = delete;
    ~EventLoop();

    // EINVAL for nothing to watch, EPERM for a descriptor that cannot be polled (a regular file).
    Result<FdWatch> watch_fd(int fd, FdEvents wanted, std::function<void(FdEvents)> callback);

    // A timer that is not armed yet: call start().
    Timer make_timer(std::function<void()> callback);

    // A one-shot timer, armed. With a delay of zero: a deferred call, made in the next turn of the loop.
    Timer call_after(std::chrono::milliseconds delay, std::function<void()> callback);
    Timer defer(std::function<void()> callback) { return call_after({}, std::move(callback)); }

    // Not asked for yet.
    NextTurn make_next_turn(std::function<void()> callback);

    Result<SignalWatch> watch_signal(int signal_number, std::function<void()> callback);

    // Turns until stop(), or until nothing is registered any more.
    void run();
    // One turn: waits for at least one event unless `wait` is false.
    void run_once(bool wait = true);
    void stop();

    // From now on the loop waits there. libuv is asked only when it has something to do: a turn without is one system call.
    void wait_at(std::unique_ptr<WaitingPoint> point) { waiting_point_ = std::move(point); }
    // Readable when libuv has something to do, apart from timers.
    int descriptor() const;

private:
    template <typename Registration, auto init>
    Registration make(std::function<void()> callback);
    void turn_at_waiting_point(bool wait);
    std::optional<std::chrono::milliseconds> time_left() const;

    std::unique_ptr<uv_loop_s> loop_;
    std::unique_ptr<WaitingPoint> waiting_point_;
    bool is_stopped_ = false;  // of a loop with a waiting point
};

}  // namespace hospes
