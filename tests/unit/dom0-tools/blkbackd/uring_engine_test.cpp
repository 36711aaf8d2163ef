// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/io_engine.hpp"

#include "dom0-tools/base/unique_fd.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/ring_loop.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>

#include <vector>

using namespace hospes;
using namespace hospes::blkbackd;
using hospes::test::Pipe;
using hospes::test::RingLoop;

TEST_CASE("io_uring writes, syncs and reads, more at once than its queue holds", "[blkbackd][engine]") {
    RingLoop f;
    if (!f) return;
    auto const engine = make_uring_engine(*f.ring);
    test::TemporaryFolder folder;
    auto const file = *open_file(folder.path() + "/f", O_RDWR | O_CREAT, 0600);
    constexpr std::size_t kCount = 600;
    std::vector<std::vector<std::byte>> blocks;
    std::size_t finished = 0;
    int errors = 0;
    auto const count_one = [&](int error) { ++finished, errors += error; };
    for (std::size_t i = 0; i < kCount; ++i) {
        blocks.emplace_back(512, static_cast<std::byte>(i));
        engine->write(file.get(), blocks.back(), i * 512, count_one);
    }
    while (finished < kCount) f.loop.run_once();
    engine->sync(file.get(), count_one);
    std::vector<std::byte> whole(kCount * 512);
    engine->read(file.get(), whole, 0, count_one);
    while (finished < kCount + 2) f.loop.run_once();
    CHECK(errors == 0);
    for (std::size_t i = 0; i < kCount; ++i) REQUIRE(whole[i * 512] == static_cast<std::byte>(i));
}

TEST_CASE("a read over the end of a file is an error", "[blkbackd][engine]") {
    RingLoop f;
    if (!f) return;
    auto const engine = make_uring_engine(*f.ring);
    auto const file = *open_file("/dev/null", O_RDONLY);
    std::vector<std::byte> memory(512);
    int result = -1;
    engine->read(file.get(), memory, 0, [&](int error) { result = error; });
    while (result < 0) f.loop.run_once();
    CHECK(result == EIO);
}

// A pipe that holds less than is asked for gives what it has.
TEST_CASE("a transfer that the kernel does in parts goes on where it stopped", "[blkbackd][engine]") {
    RingLoop f;
    if (!f) return;
    auto const engine = make_uring_engine(*f.ring);
    Pipe const pipe;
    std::string memory(10, '?');
    int result = -1;
    pipe.put("abcdef");
    engine->read(pipe.read_end.get(), std::as_writable_bytes(std::span{memory}), 0, [&](int error) { result = error; });
    f.loop.run_once();
    CHECK(result == -1);
    pipe.put("gh");
    f.loop.run_once();
    CHECK(result == -1);
    pipe.put("ij");
    while (result < 0) f.loop.run_once();
    CHECK(result == 0);
    CHECK(memory == "abcdefghij");
}

TEST_CASE("an engine that goes away has released what its operations hold", "[blkbackd][engine]") {
    RingLoop f;
    if (!f) return;
    Pipe const pipe;
    auto held = std::make_shared<std::string>(4, '?');
    std::weak_ptr<std::string> const life = held;
    auto engine = make_uring_engine(*f.ring);
    engine->read(pipe.read_end.get(), std::as_writable_bytes(std::span{*held}), 0, [held](int) { FAIL("nobody has written"); });
    held.reset();
    f.loop.run_once(false);
    CHECK(!life.expired());
    engine.reset();
    CHECK(life.expired());
}
