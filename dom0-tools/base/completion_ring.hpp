// SPDX-License-Identifier: Apache-2.0
// io_uring as the place where a program waits. Operations are collected while the loop's callbacks run, and one system call
// then hands them over and waits for the next completion. (A system call of the control domain goes through the hypervisor
// and changes page tables twice, so their number is what a back end's request costs.)
#pragma once

#include "dom0-tools/base/event_loop.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

struct io_uring;
struct io_uring_sqe;

namespace hospes {

class CompletionRing;

// One operation of the kernel. The derived class holds what the kernel works on; the ring owns it from its start until
// completed() gives it back.
class RingOperation {
public:
    virtual ~RingOperation() = default;
    // Describes the operation. Called when it is handed over, so it may take what has been collected until then.
    virtual void prepare(io_uring_sqe& entry) = 0;
    // True: the kernel can do it without waiting, and says nothing if all of it was done. Then a turn that hands it over goes on to wait for
    // something else, and completed() is called after that, with 0.
    virtual bool is_silent() const { return false; }
    // `result` is a count or a negative errno value. `self` is this object: to be started again, kept or dropped.
    virtual void completed(int result, std::unique_ptr<RingOperation> self) = 0;
};

// The operations of one owner, which they may refer to: once this is destroyed, neither of their functions is called any more. Those
// that the kernel has are cancelled, and stay in memory until it has let go of them. Safe inside completed(), too.
class RingOperations {
public:
    explicit RingOperations(CompletionRing& ring) : ring_{ring} {}
    RingOperations(RingOperations const&) = delete;
    RingOperations& operator=(RingOperations const&) = delete;
    ~RingOperations();

    // Handed over at the end of the loop's turn, in the order of the starts.
    void start(std::unique_ptr<RingOperation> operation);

private:
    CompletionRing& ring_;
};

class CompletionRing final : public WaitingPoint {
public:
    // Sets up a ring as the loop's waiting point: it lives as long as the loop, and all that use it must be gone before.
    static Result<CompletionRing*> open(EventLoop& loop);
    ~CompletionRing() override;

    bool wait(std::optional<std::chrono::milliseconds> limit) override;
    bool is_idle() const override;

    // Waits until the kernel has let go of all that owners have left behind: for one whose operations refer to what is about to go away.
    void wait_for_abandoned();

private:
    friend class RingOperations;
    class LoopPoll;
    struct Slot {
        std::unique_ptr<RingOperation> operation;  // null: the slot is free
        RingOperations const* owner = nullptr;     // null: nobody waits for it
    };
    // What goes to the kernel next: an operation, or the cancellation of one.
    struct Pending {
        std::uint32_t slot;
        bool is_cancellation;
    };

    explicit CompletionRing(std::unique_ptr<io_uring> ring);
    void start(RingOperations const& owner, std::unique_ptr<RingOperation> operation);
    void abandon(RingOperations const& owner);
    void hand_over();
    void enter(std::optional<std::chrono::milliseconds> limit);
    void serve_completions();
    void serve_silent();
    void complete(std::uint32_t slot, int result);

    std::unique_ptr<io_uring> ring_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::deque<Pending> pending_;
    std::vector<std::uint32_t> silent_;  // slots of silent operations that were handed over and have not failed
    std::optional<RingOperations> own_;  // the poll of the loop's descriptor
    bool is_loop_ready_ = false;
};

}  // namespace hospes
