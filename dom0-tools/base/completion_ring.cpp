// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/completion_ring.hpp"

#include "dom0-tools/base/liburing.hpp"

#include <spdlog/spdlog.h>

#include <poll.h>

#include <algorithm>

namespace hospes {
namespace {

constexpr unsigned kQueueDepth = 256;
// The tag of a cancellation's own completion; other tags are numbers of slots.
constexpr std::uint64_t kCancellation = ~std::uint64_t{0};

// The kernel does its part of a completion when we wait, instead of interrupting us for it.
constexpr unsigned kFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

}  // namespace

// One-shot, and started anew each time: so it finds what the loop has left unread.
class CompletionRing::LoopPoll final : public RingOperation {
public:
    LoopPoll(CompletionRing& ring, int fd) : ring_{ring}, fd_{fd} {}
    void prepare(io_uring_sqe& entry) override { io_uring_prep_poll_add(&entry, fd_, POLLIN); }
    void completed(int, std::unique_ptr<RingOperation> self) override {
        ring_.is_loop_ready_ = true;
        ring_.own_->start(std::move(self));
    }

private:
    CompletionRing& ring_;
    int fd_;
};

RingOperations::~RingOperations() { ring_.abandon(*this); }

void RingOperations::start(std::unique_ptr<RingOperation> operation) { ring_.start(*this, std::move(operation)); }

Result<CompletionRing*> CompletionRing::open(EventLoop& loop) {
    auto queues = std::make_unique<io_uring>();
    if (int const code = -io_uring_queue_init(kQueueDepth, queues.get(), kFlags); code != 0)
        return std::unexpected{Error::from_errno("set up io_uring (is kernel.io_uring_disabled set, or the kernel older than 6.1?)", code)};
    std::unique_ptr<CompletionRing> ring{new CompletionRing{std::move(queues)}};
    ring->own_->start(std::make_unique<LoopPoll>(*ring, loop.descriptor()));
    auto* const raw = ring.get();
    loop.wait_at(std::move(ring));
    return raw;
}

CompletionRing::CompletionRing(std::unique_ptr<io_uring> ring) : ring_{std::move(ring)} { own_.emplace(*this); }

// The memory of what the kernel has must stay until it gives it back.
CompletionRing::~CompletionRing() {
    own_.reset();
    wait_for_abandoned();
    io_uring_queue_exit(ring_.get());
}

void CompletionRing::wait_for_abandoned() {
    while (std::ranges::any_of(slots_, [](Slot const& slot) { return slot.operation && slot.owner == nullptr; })) {
        enter(std::nullopt);
        serve_completions();
        serve_silent();
    }
}

bool CompletionRing::is_idle() const {
    return std::ranges::none_of(slots_, [&](Slot const& slot) { return slot.owner != nullptr && slot.owner != &*own_; });
}

void CompletionRing::start(RingOperations const& owner, std::unique_ptr<RingOperation> operation) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    auto const slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = {std::move(operation), &owner};
    pending_.push_back({slot, false});
}

void CompletionRing::abandon(RingOperations const& owner) {
    std::erase_if(pending_, [&](Pending const& pending) {
        auto& slot = slots_[pending.slot];
        if (pending.is_cancellation || slot.owner != &owner) return false;
        slot = {};
        free_slots_.push_back(pending.slot);
        return true;
    });
    for (std::uint32_t number = 0; number < slots_.size(); ++number) {
        if (slots_[number].owner != &owner) continue;
        slots_[number].owner = nullptr;
        pending_.push_back({number, true});
    }
}

void CompletionRing::hand_over() {
    while (!pending_.empty()) {
        auto* const entry = io_uring_get_sqe(ring_.get());
        if (entry == nullptr) {
            if (io_uring_submit(ring_.get()) <= 0) return;  // the kernel is short of something: the rest goes with the next call
            continue;
        }
        auto const [slot, is_cancellation] = pending_.front();
        pending_.pop_front();
        if (is_cancellation) io_uring_prep_cancel64(entry, slot, 0);
        else slots_[slot].operation->prepare(*entry);
        io_uring_sqe_set_data64(entry, is_cancellation ? kCancellation : slot);
        if (is_cancellation || !slots_[slot].operation->is_silent()) continue;
        io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
        silent_.push_back(slot);
    }
}

void CompletionRing::enter(std::optional<std::chrono::milliseconds> limit) {
    hand_over();
    int status = 0;
    if (limit == std::chrono::milliseconds{0} || io_uring_cq_ready(ring_.get()) > 0) {
        status = io_uring_submit_and_get_events(ring_.get());
    } else if (limit) {
        __kernel_timespec time{.tv_sec = limit->count() / 1000, .tv_nsec = limit->count() % 1000 * 1'000'000};
        io_uring_cqe* first = nullptr;
        status = io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, &time, nullptr);
    } else {
        status = io_uring_submit_and_wait(ring_.get(), 1);
    }
    if (status < 0 && status != -ETIME && status != -EINTR && status != -EBUSY && status != -EAGAIN)
        spdlog::error("{}", Error::from_errno("io_uring", -status).message());
}

bool CompletionRing::wait(std::optional<std::chrono::milliseconds> limit) {
    is_loop_ready_ = false;
    enter(limit);
    serve_completions();
    serve_silent();
    return is_loop_ready_;
}

// Only those that are there now: what is started meanwhile belongs to the next turn.
void CompletionRing::serve_completions() {
    for (auto left = io_uring_cq_ready(ring_.get()); left > 0; --left) {
        io_uring_cqe* entry = nullptr;
        if (io_uring_peek_cqe(ring_.get(), &entry) != 0) return;
        auto const tag = entry->user_data;
        int const result = entry->res;
        io_uring_cqe_seen(ring_.get(), entry);
        if (tag != kCancellation) complete(static_cast<std::uint32_t>(tag), result);
    }
}

// They were done when the call that handed them over began to wait; those that failed have said so and are no longer listed.
void CompletionRing::serve_silent() {
    if (io_uring_sq_ready(ring_.get()) > 0 || io_uring_cq_has_overflow(ring_.get())) return;
    for (auto const slot : std::exchange(silent_, {})) complete(slot, 0);
}

void CompletionRing::complete(std::uint32_t slot, int result) {
    std::erase(silent_, slot);
    auto [operation, owner] = std::exchange(slots_[slot], {});
    free_slots_.push_back(slot);
    if (owner == nullptr) return;
    auto& served = *operation;
    served.completed(result, std::move(operation));
}

}  // namespace hospes
