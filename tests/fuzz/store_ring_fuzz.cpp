// SPDX-License-Identifier: Apache-2.0
// A domain's store ring as a hostile kernel may write it: requests well formed or not, indices and bytes that change at any moment. The
// server keeps to its quotas, what the domain may not write stays as it was, and nothing of the domain is left when it has gone.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/support/store_guest.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <cstring>

using namespace hospes;
using namespace hospes::xenstore;

namespace {

constexpr DomId kNeighbour{6};
constexpr int kTurns = 4;  // of the server after an event
constexpr std::string_view kNextDoor = "/local/domain/6/data", kSecret = "/secret";

void demand(bool holds) {
    if (!holds) std::abort();
}

struct World : test::StoreGuest {
    World() : StoreGuest{"value"} {
        make(kNextDoor, "value", kNeighbour);
        make(kSecret, "value", kDomIdDom0);
        demand(connect());
    }
    Node const* node(std::string_view where) { return server.tree().find(*Path::parse(where, "/")).node; }

    void fetch() { page.rsp_cons = page.rsp_prod; }
    // As long as the server takes something.
    void send(std::string_view bytes) {
        for (int turn = 0; !bytes.empty() && turn < 16; ++turn) {
            put(bytes);
            kick(kTurns);
            fetch();
        }
    }
    void check() {
        demand(server.tree().ledger().of(kGuest).nodes <= Quotas{}.nodes);
        for (auto const where : {kNextDoor, kSecret}) {
            Node const* const untouched = node(where);
            demand(untouched != nullptr && untouched->value == "value" && untouched->owner() == (where == kSecret ? kDomIdDom0 : kNeighbour));
        }
    }
};

// What requests are made of: paths, permissions, numbers, and bytes.
std::string payload_of(test::FuzzInput& input) {
    using namespace std::string_view_literals;
    constexpr std::string_view kPieces[] = {"\0"sv, "data"sv, "data/a"sv, "data/a/b"sv, "/local/domain/5/data"sv, "/local/domain/6/data"sv, "/secret"sv,
                                            "/"sv, "//"sv, "@releaseDomain"sv, "@introduceDomain"sv, "n5"sv, "b6"sv, "r0"sv, "w5"sv, "5"sv, "0"sv, "T"sv,
                                            "F"sv, "token"sv, "help"sv, "check"sv, "4294967295"sv, ".."sv};
    std::string payload;
    for (int pieces = input.byte() % 12; pieces > 0; --pieces) {
        u8 const choice = input.byte();
        if (choice < 200) payload += kPieces[choice % std::size(kPieces)];
        else if (choice < 250) payload += static_cast<char>(input.byte());
        else payload.append(input.number<u16>() % 4200, 'x');
    }
    if (input.byte() % 4 != 0) payload += '\0';
    return payload;
}

std::string request_of(test::FuzzInput& input) {
    Header header{.type = static_cast<MessageType>(input.small_or_any<u32>(24)), .request_id = input.byte(),
                  .transaction = input.small_or_any<u32>(4), .length = 0};
    auto const payload = payload_of(input);
    header.length = input.byte() < 240 ? static_cast<u32>(payload.size()) : input.number<u32>();
    auto const head = encode(header);
    return std::string{head.data(), head.size()} + payload;
}

void take_step(World& world, test::FuzzInput& input) {
    auto* const bytes = reinterpret_cast<u8*>(&world.page);
    switch (input.byte() % 16) {
    case 0: world.page.req_prod = input.small_or_any<u32>(255) + world.page.req_cons; break;
    case 1: world.page.rsp_cons = input.number<u32>(); break;
    case 2: world.page.req_cons = input.number<u32>(); break;
    case 3: world.page.connection = input.byte() % 3; break;
    case 4: bytes[input.number<u16>() % sizeof world.page] = input.byte(); break;
    case 5: world.fetch(); break;
    default: world.send(request_of(input)); return;
    case 6: for (int count = input.byte() % 64; count > 0; --count) world.page.req[world.page.req_prod++ % kStoreRingSize] = static_cast<char>(input.byte());
    }
    world.kick(kTurns);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    spdlog::set_level(spdlog::level::off);
    test::FuzzInput input{data, size};
    World world;
    while (!input.is_empty()) {
        take_step(world, input);
        world.check();
    }
    world.link.reset();
    world.server.remove_connection(world.connection.id());
    world.server.forget_domain(World::kGuest);
    world.check();
    demand(world.server.tree().select([](Node const& node) { return node.owner() == World::kGuest; }, Tree::Below::look).empty());
    return 0;
}
