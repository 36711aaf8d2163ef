// SPDX-License-Identifier: Apache-2.0
// The backend's side of a shared request/response ring (layout and notification protocol of xen/io/ring.h). The frontend
// may write anything anywhere in it: indices are read once and bounded, requests are copied out once.
#pragma once

#include "dom0-tools/wire/shared.hpp"
#include "dom0-tools/wire/xen_io.hpp"

#include <algorithm>
#include <bit>

namespace hospes::wire {

enum class RingState : std::uint8_t {
    ok,
    empty,   // nothing to take now
    broken,  // the frontend's index is impossible: stop serving this ring
};

template <typename Request, typename Response>
class BackRing {
public:
    static constexpr std::size_t kHeaderSize = 64;
    static constexpr std::size_t kSlotSize = std::max(sizeof(Request), sizeof(Response));
    static_assert(std::is_trivially_copyable_v<Request> && std::is_trivially_copyable_v<Response>);

    // How many slots a ring of `bytes` bytes has: the largest power of two that fits.
    static constexpr std::uint32_t slots_in(std::size_t bytes) {
        return static_cast<std::uint32_t>(std::bit_floor((bytes - kHeaderSize) / kSlotSize));
    }

    // `memory` must stay mapped. Goes on at the response index found in the ring: a fresh ring has zero there, and a backend
    // that starts anew beside a living frontend finds where its predecessor stopped answering.
    BackRing(std::byte* memory, std::size_t bytes)
        : memory_{memory},
          slots_{slots_in(bytes)},
          shared_req_prod_{memory},
          shared_req_event_{memory + 4},
          shared_rsp_prod_{memory + 8},
          shared_rsp_event_{memory + 12},
          req_cons_{shared_rsp_prod_.load()},
          rsp_prod_{req_cons_},
          rsp_published_{req_cons_} {}

    std::uint32_t slots() const { return slots_; }

    // Copies the next request out. Never more than one ring's worth of requests is unanswered.
    RingState take(Request& request) {
        std::uint32_t waiting = 0;
        if (auto const state = count_waiting(waiting); state != RingState::ok) return state;
        request = peek<Request>(0);
        advance(1);
        return RingState::ok;
    }

    // How many requests are waiting: ok and at least one, or empty, or broken.
    RingState count_waiting(std::uint32_t& waiting) const {
        waiting = 0;
        std::uint32_t const ahead = shared_req_prod_.load() - req_cons_;
        if (ahead > slots_ - unanswered()) return RingState::broken;
        waiting = ahead;
        return ahead == 0 ? RingState::empty : RingState::ok;
    }

    // A copy of the request `ahead` places behind the next one, as a T (extra-info slots have a layout of their own).
    // The caller has bounded `ahead` with count_waiting().
    template <typename T>
    T peek(std::uint32_t ahead) const {
        static_assert(sizeof(T) <= kSlotSize);
        return copy_once<T>(slot(req_cons_ + ahead));
    }
    void advance(std::uint32_t count) { req_cons_ += count; }

    std::uint32_t unanswered() const { return req_cons_ - rsp_prod_; }

    // Puts a response into the ring, not yet visible. Only for a request that was taken: at most unanswered() times.
    void answer(Response const& response) {
        std::memcpy(slot(rsp_prod_), &response, sizeof response);
        ++rsp_prod_;
    }

    // Makes the responses visible. True if the frontend wants to be notified of them.
    [[nodiscard]] bool publish() {
        std::uint32_t const before = rsp_published_;
        if (rsp_prod_ == before) return false;
        shared_rsp_prod_.store(rsp_prod_);
        rsp_published_ = rsp_prod_;
        full_barrier();
        return rsp_prod_ - shared_rsp_event_.load() < rsp_prod_ - before;
    }

    // Asks to be notified once `count` requests are waiting; true if they are there already (or the ring is broken, which
    // the next take() reports), so that the caller must look again instead of sleeping.
    [[nodiscard]] bool arm(std::uint32_t count = 1) {
        shared_req_event_.store(req_cons_ + count);
        full_barrier();
        return shared_req_prod_.load() - req_cons_ >= count;
    }

private:
    std::byte* slot(std::uint32_t index) const { return memory_ + kHeaderSize + (index & (slots_ - 1)) * kSlotSize; }

    std::byte* memory_;
    std::uint32_t slots_;
    SharedWord shared_req_prod_, shared_req_event_, shared_rsp_prod_, shared_rsp_event_;
    std::uint32_t req_cons_;       // requests taken
    std::uint32_t rsp_prod_;       // responses put
    std::uint32_t rsp_published_;  // responses made visible
};

using BlkRing = BackRing<blkif_request_t, blkif_response_t>;
using NetTxRing = BackRing<netif_tx_request_t, netif_tx_response_t>;
using NetRxRing = BackRing<netif_rx_request_t, netif_rx_response_t>;

static_assert(BlkRing::kSlotSize == 112 && BlkRing::slots_in(4096) == 32 && BlkRing::slots_in(8192) == 64);
static_assert(NetTxRing::kSlotSize == 12 && NetTxRing::slots_in(4096) == 256);
static_assert(NetRxRing::kSlotSize == 8 && NetRxRing::slots_in(4096) == 256);

}  // namespace hospes::wire
