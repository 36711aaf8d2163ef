// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_guest_memory.hpp"

#include "hypervisor/ports/guest_memory.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

TEST_CASE("the fake guest memory faults outside of what a test has made", "[support]") {
    guest_memory().reset();
    GuestArray<u64> array{4};
    array[3] = 77;
    CHECK(GuestHandle<u64>{array.address()}.read(3).value() == 77);
    CHECK(GuestHandle<u64>{array.address()}.read(4).error() == Errno::fault);
    CHECK(GuestHandle<u64>{array.address() + 4}.read(3).error() == Errno::fault);
    CHECK(GuestHandle<u64>{0x1000}.write(1).error() == Errno::fault);
}

TEST_CASE("the fake guest memory can change a word between two reads", "[support]") {
    guest_memory().reset();
    GuestArray<u32> word;
    *word = 1;
    guest_memory().after_read = [&](GuestAddress, usize) { *word = 2; };
    CHECK(GuestHandle<u32>{word.address()}.read().value() == 1);
    CHECK(GuestHandle<u32>{word.address()}.read().value() == 2);
    guest_memory().reset();
}
