// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/event_loop.hpp"

#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace hospes {

namespace detail {

struct FdSource {
    uv_poll_t handle;
    std::function<void(FdEvents)> callback;
    bool closed = false;
};

struct TimerSource {
    uv_timer_t handle;
    std::function<void()> callback;
    bool closed = false;
};

struct SignalSource {
    uv_signal_t handle;
    std::function<void()> callback;
    bool closed = false;
};

struct TurnSource {
    uv_idle_t handle;
    std::function<void()> callback;
    bool closed = false;
};

namespace {

template <typename Source, typename Handle>
Source& source_of(Handle* handle) {
    return *static_cast<Source*>(handle->data);
}

// The callback may be running right now, so it stays until libuv gives the handle back.
template <typename Source>
void close_source(Source* source) {
    source->closed = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&source->handle),
             [](uv_handle_t* handle) { delete static_cast<Source*>(handle->data); });
}

int to_uv(FdEvents events) {
    return (events.readable ? UV_READABLE : 0) | (events.writable ? UV_WRITABLE : 0);
}

void on_poll(uv_poll_t* handle, int status, int events) {
    auto& source = source_of<FdSource>(handle);
    if (source.closed) return;
    source.callback({.readable = (events & UV_READABLE) != 0, .writable = (events & UV_WRITABLE) != 0, .failed = status < 0});
}

void on_timer(uv_timer_t* handle) {
    auto& source = source_of<TimerSource>(handle);
    if (!source.closed) source.callback();
}

void on_signal(uv_signal_t* handle, int) {
    auto& source = source_of<SignalSource>(handle);
    if (!source.closed) source.callback();
}

void on_turn(uv_idle_t* handle) {
    auto& source = source_of<TurnSource>(handle);
    uv_idle_stop(handle);
    if (!source.closed) source.callback();
}

}  // namespace

void SourceCloser::operator()(FdSource* source) const { close_source(source); }
void SourceCloser::operator()(TimerSource* source) const { close_source(source); }
void SourceCloser::operator()(SignalSource* source) const { close_source(source); }
void SourceCloser::operator()(TurnSource* source) const { close_source(source); }

}  // namespace detail

Status FdWatch::set_events(FdEvents wanted) {
    int const events = detail::to_uv(wanted);
    int const status = events == 0 ? uv_poll_stop(&source_->handle) : uv_poll_start(&source_->handle, events, detail::on_poll);
    if (status < 0) return std::unexpected{Error::from_errno("change the watch of a descriptor", -status)};
    return {};
}

void Timer::start(std::chrono::milliseconds delay, std::chrono::milliseconds period) {
    uv_update_time(source_->handle.loop);  // else the delay would count from the start of this turn
    uv_timer_start(&source_->handle, detail::on_timer, static_cast<std::uint64_t>(delay.count()), static_cast<std::uint64_t>(period.count()));
}

void Timer::stop() { uv_timer_stop(&source_->handle); }

bool Timer::is_armed() const { return source_ && uv_is_active(reinterpret_cast<uv_handle_t const*>(&source_->handle)) != 0; }

void NextTurn::ask() { uv_idle_start(&source_->handle, detail::on_turn); }

EventLoop::EventLoop() : loop_{std::make_unique<uv_loop_s>()} {
    if (int const status = uv_loop_init(loop_.get()); status < 0) {
        std::fprintf(stderr, "event loop: %s\n", uv_strerror(status));
        std::abort();
    }
}

EventLoop::~EventLoop() {
    // Registrations are gone by now; what is left are handles that wait for their close callback.
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    if (uv_loop_close(loop_.get()) == 0) return;
    std::fputs("event loop: a registration outlives its loop\n", stderr);
    std::abort();
}

Result<FdWatch> EventLoop::watch_fd(int fd, FdEvents wanted, std::function<void(FdEvents)> callback) {
    auto source = std::make_unique<detail::FdSource>();
    if (int const status = uv_poll_init(loop_.get(), &source->handle, fd); status < 0)
        return std::unexpected{Error::from_errno(fmt::format("watch descriptor {}", fd), -status)};
    source->handle.data = source.get();
    source->callback = std::move(callback);
    FdWatch watch;
    watch.source_.reset(source.release());
    HV_TRY(watch.set_events(wanted));
    return watch;
}

Timer EventLoop::make_timer(std::function<void()> callback) {
    auto source = std::make_unique<detail::TimerSource>();
    uv_timer_init(loop_.get(), &source->handle);
    source->handle.data = source.get();
    source->callback = std::move(callback);
    Timer timer;
    timer.source_.reset(source.release());
    return timer;
}

Timer EventLoop::call_after(std::chrono::milliseconds delay, std::function<void()> callback) {
    auto timer = make_timer(std::move(callback));
    timer.start(delay);
    return timer;
}

NextTurn EventLoop::make_next_turn(std::function<void()> callback) {
    auto source = std::make_unique<detail::TurnSource>();
    uv_idle_init(loop_.get(), &source->handle);
    source->handle.data = source.get();
    source->callback = std::move(callback);
    NextTurn turn;
    turn.source_.reset(source.release());
    return turn;
}

Result<SignalWatch> EventLoop::watch_signal(int signal_number, std::function<void()> callback) {
    auto source = std::make_unique<detail::SignalSource>();
    if (int const status = uv_signal_init(loop_.get(), &source->handle); status < 0)
        return std::unexpected{Error::from_errno("watch a signal", -status)};
    source->handle.data = source.get();
    source->callback = std::move(callback);
    SignalWatch watch;
    watch.source_.reset(source.release());
    if (int const status = uv_signal_start(&watch.source_->handle, detail::on_signal, signal_number); status < 0)
        return std::unexpected{Error::from_errno(fmt::format("watch signal {}", signal_number), -status)};
    return watch;
}

void EventLoop::run() { uv_run(loop_.get(), UV_RUN_DEFAULT); }
void EventLoop::run_once(bool wait) { uv_run(loop_.get(), wait ? UV_RUN_ONCE : UV_RUN_NOWAIT); }
void EventLoop::stop() { uv_stop(loop_.get()); }

}  // namespace hospes
