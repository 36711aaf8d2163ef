// SPDX-License-Identifier: Apache-2.0
#include "xenstore/transport/guest_ring.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace hospes::xenstore {

namespace {

// What the domain puts into the ring of requests, at its own index.
void send(xenstore_domain_interface& page, std::string_view bytes) {
    for (char const c : bytes) page.req[page.req_prod++ % kStoreRingSize] = c;
}

std::string fetch(xenstore_domain_interface& page) {
    std::string bytes;
    while (page.rsp_cons != page.rsp_prod) bytes += page.rsp[page.rsp_cons++ % kStoreRingSize];
    return bytes;
}

std::string read_all(GuestRing& ring) {
    std::array<char, 4096> buffer;
    return {buffer.data(), ring.read(buffer).value()};
}

}  // namespace

TEST_CASE("bytes go through the ring in both directions, past its end and past 2^32", "[xenstore][ring]") {
    u32 const start = GENERATE(0u, 1000u, 0xfffffffeu);
    xenstore_domain_interface page{};
    page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = start;
    GuestRing ring{page};
    for (int i = 0; i < 10; ++i) {
        auto const text = std::string(300, static_cast<char>('a' + i));
        send(page, text);
        CHECK(read_all(ring) == text);
        CHECK(page.req_cons == page.req_prod);
        CHECK(ring.write(text).value() == text.size());
        CHECK(fetch(page) == text);
    }
}

TEST_CASE("no more is taken than was asked for, and no more given than there is room", "[xenstore][ring]") {
    xenstore_domain_interface page{};
    GuestRing ring{page};
    send(page, "abcdef");
    std::array<char, 4> buffer;
    CHECK(ring.read(buffer).value() == 4);
    CHECK(page.req_cons == 4);
    CHECK(ring.write(std::string(2000, 'x')).value() == kStoreRingSize);
    CHECK(ring.write("y").value() == 0);
    page.rsp_cons += 10;
    CHECK(ring.write(std::string(20, 'y')).value() == 10);
}

TEST_CASE("impossible indices are a fault, and nothing is copied", "[xenstore][ring]") {
    xenstore_domain_interface page{};
    GuestRing ring{page};
    std::array<char, 16> buffer{};
    page.req_prod = GENERATE(kStoreRingSize + 1, 0x80000000u, 0xffffffffu);
    CHECK(ring.read(buffer).error() == RingFault::index);
    CHECK(page.req_cons == 0);
    page.rsp_cons = GENERATE(1u, 0x80000000u);
    CHECK(ring.write("x").error() == RingFault::index);
    CHECK(page.rsp_prod == 0);
}

TEST_CASE("what the domain writes over our indices is not believed", "[xenstore][ring]") {
    xenstore_domain_interface page{};
    GuestRing ring{page};
    send(page, "first");
    CHECK(read_all(ring) == "first");
    page.req_cons = 0xdead;
    page.rsp_prod = 0xbeef;
    send(page, "second");
    CHECK(read_all(ring) == "second");
    CHECK(page.req_cons == page.req_prod);
    CHECK(ring.write("answer").value() == 6);
    CHECK(fetch(page) == "answer");
}

TEST_CASE("whatever a domain writes into its page, we stay within it", "[xenstore][ring][property]") {
    auto const seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random{seed};
    xenstore_domain_interface page{};
    GuestRing ring{page};
    std::array<u32*, 6> const words{&page.req_cons, &page.req_prod, &page.rsp_cons, &page.rsp_prod, &page.connection, &page.error};
    std::array<char, 4096> buffer;
    for (int i = 0; i < 100'000; ++i) {
        *words[random() % words.size()] += random() % 3 ? static_cast<u32>(random() % 64) : static_cast<u32>(random());
        auto const count = ring.read(std::span{buffer}.first(random() % buffer.size()));
        if (count) CHECK(*count <= kStoreRingSize);
        auto const written = ring.write({buffer.data(), random() % buffer.size()});
        if (written) CHECK(*written <= kStoreRingSize);
        if (random() % 1000 == 0) ring.reset();
    }
}

}  // namespace hospes::xenstore
