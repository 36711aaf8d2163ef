// SPDX-License-Identifier: Apache-2.0
// Rings as hostile frontends may write them: whatever the bytes, the backend stays within its rings and its pages.
#include "dom0-tools/wire/back_ring.hpp"
#include "dom0-tools/wire/block_request.hpp"
#include "dom0-tools/wire/console_ring.hpp"
#include "dom0-tools/wire/frame_headers.hpp"
#include "dom0-tools/wire/net_packet.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <cstdlib>
#include <memory>
#include <vector>

namespace {

using namespace hospes;
using namespace hospes::wire;

void demand(bool holds) {
    if (!holds) std::abort();
}

struct alignas(4096) Page {
    std::byte bytes[4096]{};
};

// Between any two steps of ours the frontend may change some bytes.
void scribble(Page& page, test::FuzzInput& input) {
    for (int count = input.byte() % 8; count > 0; --count) page.bytes[input.number<u16>() % sizeof page.bytes] = static_cast<std::byte>(input.byte());
    page.bytes[input.byte() % 16] = static_cast<std::byte>(input.small_or_any<u8>(24));
}

void drive_blocks(Page& page, test::FuzzInput& input) {
    BlkRing ring{page.bytes, sizeof page.bytes};
    while (!input.is_empty()) {
        scribble(page, input);
        blkif_request_t copy;
        if (ring.take(copy) == RingState::ok) {
            auto const request = decode_block_request(copy, 256);
            demand(request.segment_count <= (request.is_indirect ? 256 : BLKIF_MAX_SEGMENTS_PER_REQUEST));
            if (request.operation != BlockOperation::malformed && !request.is_indirect)
                for (auto const& segment : std::span{request.segments}.first(request.segment_count))
                    demand(segment.first_sector <= segment.last_sector && segment.last_sector < 8);
        }
        if (ring.unanswered() > 0 && input.byte() % 2 != 0) ring.answer({});
        demand(ring.unanswered() <= ring.slots());
        (void)ring.publish();
        (void)ring.arm(input.byte());
    }
}

void drive_packets(Page& page, test::FuzzInput& input) {
    NetTxRing ring{page.bytes, sizeof page.bytes};
    TxPacket packet;
    while (!input.is_empty()) {
        scribble(page, input);
        if (take_packet(ring, packet) != TxTaken::packet) continue;
        u32 sum = 0;
        for (auto const& slot : std::span{packet.slots}.first(packet.slot_count)) {
            demand(!packet.is_acceptable || slot.offset + slot.size <= 4096);
            sum += slot.size;
        }
        demand(!packet.is_acceptable || sum == packet.size);
        answer_packet(ring, packet, NETIF_RSP_OKAY);
        demand(ring.unanswered() == 0);
        (void)ring.publish();
    }
}

void drive_console(Page& page, test::FuzzInput& input) {
    ConsoleRing ring{page.bytes};
    std::vector<std::byte> buffer(4096);
    while (!input.is_empty()) {
        scribble(page, input);
        page.bytes[0xc00 + input.byte() % 16] = static_cast<std::byte>(input.byte());
        demand(ring.take_output(std::span{buffer}.first(input.number<u16>() % 4096)).value_or(0) <= ConsoleRing::kOutputSize);
        demand(ring.give_input(std::span{buffer}.first(input.number<u16>() % 4096)).value_or(0) <= ConsoleRing::kInputSize);
    }
}

void drive_headers(test::FuzzInput& input) {
    std::vector<std::byte> frame;
    while (!input.is_empty()) frame.push_back(static_cast<std::byte>(input.byte()));
    frame.shrink_to_fit();
    auto const transport = find_transport_header(frame);
    if (!transport) return;
    demand(transport->header_end <= frame.size());
    write_pseudo_checksum(frame, *transport);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    test::FuzzInput input{data, size};
    auto const page = std::make_unique<Page>();
    switch (input.byte() % 4) {
        case 0: drive_blocks(*page, input); break;
        case 1: drive_packets(*page, input); break;
        case 2: drive_console(*page, input); break;
        default: drive_headers(input); break;
    }
    return 0;
}
