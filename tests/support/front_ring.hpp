// SPDX-License-Identifier: Apache-2.0
// The frontend's side of a shared ring, for tests; it may also misbehave.
#pragma once

#include "dom0-tools/wire/xen_io.hpp"

#include <bit>
#include <cstring>
#include <optional>

namespace hospes::test {

template <typename Request, typename Response>
class FrontRing {
public:
    static constexpr std::size_t kSlotSize = sizeof(Request) > sizeof(Response) ? sizeof(Request) : sizeof(Response);

    FrontRing(std::byte* memory, std::size_t bytes) : memory_{memory}, slots_{std::bit_floor((bytes - 64) / kSlotSize)} {
        word(4) = 1;   // req_event
        word(12) = 1;  // rsp_event
    }

    std::uint32_t& req_prod() { return word(0); }
    std::uint32_t& rsp_prod() { return word(8); }
    std::uint32_t& req_event() { return word(4); }
    std::uint32_t& rsp_event() { return word(12); }
    std::size_t slots() const { return slots_; }

    template <typename T>
    void put(T const& request) {
        std::memcpy(slot(req_prod()), &request, sizeof request);
        ++req_prod();
    }

    std::optional<Response> take() {
        if (rsp_cons_ == rsp_prod()) return std::nullopt;
        Response response;
        std::memcpy(&response, slot(rsp_cons_++), sizeof response);
        rsp_event() = rsp_cons_ + 1;
        return response;
    }

private:
    std::uint32_t& word(std::size_t offset) { return *reinterpret_cast<std::uint32_t*>(memory_ + offset); }
    std::byte* slot(std::uint32_t index) { return memory_ + 64 + (index & (slots_ - 1)) * kSlotSize; }

    std::byte* memory_;
    std::size_t slots_;
    std::uint32_t rsp_cons_ = 0;
};

using FrontBlkRing = FrontRing<blkif_request_t, blkif_response_t>;
using FrontTxRing = FrontRing<netif_tx_request_t, netif_tx_response_t>;
using FrontRxRing = FrontRing<netif_rx_request_t, netif_rx_response_t>;

}  // namespace hospes::test
