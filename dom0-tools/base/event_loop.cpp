// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/event_loop.hpp"

#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace hospes {

namespace detail {

template <typename Handle, typename... Arguments>
struct Source {
    Handle handle;
    std::function<void(Arguments...)> callback;
    bool closed = false;
};

struct FdSource : Source<uv_poll_t, FdEvents> {};
struct TimerSource : Source<uv_timer_t> {};
struct SignalSource : Source<uv_signal_t> {};
struct TurnSource : Source<uv_idle_t> {};

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
    waiting_point_.reset();  // it watches the loop's descriptor
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

template <typename Registration, auto init>
Registration EventLoop::make(std::function<void()> callback) {
    Registration made;
    auto* const source = new typename decltype(made.source_)::element_type;
    init(loop_.get(), &source->handle);
    source->handle.data = source;
    source->callback = std::move(callback);
    made.source_.reset(source);
    return made;
}

Timer EventLoop::make_timer(std::function<void()> callback) { return make<Timer, uv_timer_init>(std::move(callback)); }
NextTurn EventLoop::make_next_turn(std::function<void()> callback) { return make<NextTurn, uv_idle_init>(std::move(callback)); }

Timer EventLoop::call_after(std::chrono::milliseconds delay, std::function<void()> callback) {
    auto timer = make_timer(std::move(callback));
    timer.start(delay);
    return timer;
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

void EventLoop::run() {
    if (!waiting_point_) {
        uv_run(loop_.get(), UV_RUN_DEFAULT);
        return;
    }
    while (!is_stopped_ && (uv_loop_alive(loop_.get()) != 0 || !waiting_point_->is_idle())) turn_at_waiting_point(true);
    is_stopped_ = false;
}

void EventLoop::run_once(bool wait) {
    if (waiting_point_) turn_at_waiting_point(wait);
    else uv_run(loop_.get(), wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void EventLoop::stop() {
    if (waiting_point_) is_stopped_ = true;
    else uv_stop(loop_.get());
}

int EventLoop::descriptor() const { return uv_backend_fd(loop_.get()); }

// Nothing is left if libuv wants to be called at once: for a timer, another turn, or to see to descriptors it has not told the kernel of.
std::optional<std::chrono::milliseconds> EventLoop::time_left() const {
    if (uv_loop_alive(loop_.get()) == 0) return std::nullopt;
    int timeout = uv_backend_timeout(loop_.get());
    if (timeout > 0) {  // counted from the last time that libuv has looked at the clock
        uv_update_time(loop_.get());
        timeout = uv_backend_timeout(loop_.get());
    }
    if (timeout < 0) return std::nullopt;
    return std::chrono::milliseconds{timeout};
}

void EventLoop::turn_at_waiting_point(bool wait) {
    bool const is_ready = waiting_point_->wait(wait ? time_left() : std::chrono::milliseconds{0});
    if (is_ready || time_left() == std::chrono::milliseconds{0}) uv_run(loop_.get(), UV_RUN_NOWAIT);
}

}  // namespace hospes
