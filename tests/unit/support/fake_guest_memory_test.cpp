// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_guest_memory.hpp"

#include "hypervisor/ports/guest_memory.hpp"
#include "tests/support/hypervisor/world.hpp"

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

TEST_CASE("a hypercall that reads a byte of guest memory twice fails its test", "[support]") {
    World world;
    GuestArray<u64> words{2};
    auto const read_one_twice = [](Vcpu&, HypercallArgs& args) -> Outcome {
        HV_TRY(GuestHandle<u64>{args[0]}.read(0));
        HV_TRY(GuestHandle<u32>{args[0]}.read(1));  // the upper half of the same word
        return 0;
    };
    CHECK_THROWS_AS(World::call(*world.dom0().vcpus[0], read_one_twice, words.address()), HostPanic);
    auto const read_two = [](Vcpu&, HypercallArgs& args) -> Outcome {
        HV_TRY(GuestHandle<u64>{args[0]}.read(1));
        HV_TRY(GuestHandle<u64>{args[0]}.read(0));
        return 0;
    };
    CHECK(World::call(*world.dom0().vcpus[0], read_two, words.address()) == 0);
    auto const read_outside_of_the_range_that_was_read = [](Vcpu&, HypercallArgs& args) -> Outcome {
        HV_TRY(GuestHandle<u32>{args[0]}.read(1));
        HV_TRY(GuestHandle<u64>{args[0]}.read(0));
        return 0;
    };
    CHECK_THROWS_AS(World::call(*world.dom0().vcpus[0], read_outside_of_the_range_that_was_read, words.address()), HostPanic);
}

TEST_CASE("the continuation of a hypercall may read its arguments again", "[support]") {
    World world;
    GuestArray<u64> word;
    *word = 1;
    auto const read_and_restart = [](Vcpu&, HypercallArgs& args) -> Outcome {
        HV_TRY(GuestHandle<u64>{args[0]}.read());
        if (args[1]++ == 0) return Errno::restart;
        return 7;
    };
    CHECK(World::call(*world.dom0().vcpus[0], read_and_restart, word.address(), 0) == 7);
}
