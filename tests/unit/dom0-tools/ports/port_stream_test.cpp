// SPDX-License-Identifier: Apache-2.0
// A pair of sockets that keep the bounds of messages stands for /dev/xen/evtchn: one message is one read or write.
#include "dom0-tools/ports/port_stream.hpp"

#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/blkbackd/io_engine.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/ring_loop.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

using namespace hospes;

namespace {

using Ports = std::vector<std::uint32_t>;

struct Fixture : test::RingLoop {
    UniqueFd near_end, far_end;
    std::function<void(EventPort)> on_fired;
    std::optional<PortStream> stream;
    Ports fired;
    int errors = 0;

    Fixture() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        near_end.reset(ends[0]);
        far_end.reset(ends[1]);
        if (ring != nullptr) open(near_end.get());
    }
    void open(int fd) {
        auto const record = [this](EventPort port) {
            fired.push_back(port.raw());
            if (on_fired) on_fired(port);
        };
        stream.emplace(*ring, fd, PortStream::Events{.fired = record, .read_failed = [this](Error const&) { ++errors; }});
    }
    void fire(Ports const& ports) const {
        auto const size = ports.size() * sizeof ports[0];
        REQUIRE(::write(far_end.get(), ports.data(), size) == static_cast<ssize_t>(size));
    }
    // The ports of one write; none if there was no write.
    Ports unmasked() const {
        Ports ports(1000);
        auto const size = ::read(far_end.get(), ports.data(), ports.size() * sizeof ports[0]);
        ports.resize(size > 0 ? static_cast<std::size_t>(size) / sizeof ports[0] : 0);
        return ports;
    }
};

}  // namespace

TEST_CASE("fired ports are told in their order, also those that fire while nobody waits", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    f.loop.run_once(false);
    f.fire({7, 9});
    f.fire({3});
    f.loop.run_once();
    f.loop.run_once();
    CHECK(f.fired == Ports{7, 9, 3});
    CHECK(f.errors == 0);
}

TEST_CASE("all unmasks of a turn are one write, made at its end", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    f.on_fired = [&](EventPort port) {
        CHECK(f.stream->unmask(port).has_value());
        CHECK(f.unmasked().empty());
    };
    f.fire({5, 6});
    f.loop.run_once();
    CHECK(f.unmasked().empty());
    f.loop.run_once(false);
    CHECK(f.unmasked() == Ports{5, 6});
    CHECK(f.unmasked().empty());
}

TEST_CASE("a port that is closed is not unmasked any more", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    CHECK(f.stream->unmask(EventPort{5}).has_value());
    CHECK(f.stream->unmask(EventPort{6}).has_value());
    f.stream->forget(EventPort{5});
    f.loop.run_once(false);
    CHECK(f.unmasked() == Ports{6});
}

TEST_CASE("a refused unmask comes back as the error of the next one", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    auto const read_only = *open_file("/dev/null", O_RDONLY);
    f.open(read_only.get());
    std::vector<int> codes;
    f.on_fired = [&](EventPort port) {
        auto const status = f.stream->unmask(port);
        codes.push_back(status ? 0 : status.error().code());
    };
    CHECK(f.stream->unmask(EventPort{4}).has_value());
    f.loop.run_once(false);
    CHECK(f.fired == Ports{4});
    CHECK(codes == std::vector<int>{EBADF});
}

TEST_CASE("an error of reading is told, and reading goes on", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    auto const write_only = *open_file("/dev/null", O_WRONLY);
    f.open(write_only.get());
    f.loop.run_once(false);
    f.loop.run_once(false);
    CHECK(f.errors == 2);
}

TEST_CASE("a block request's events and I/O take two turns of the loop", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    auto const engine = blkbackd::make_uring_engine(*f.ring);
    auto const file = *open_file("/dev/zero", O_RDONLY);
    std::array<std::byte, 4096> memory{};
    int reads = 0;
    f.on_fired = [&](EventPort port) {
        engine->read(file.get(), memory, 0, [&](int error) { reads += error == 0 ? 1 : 100; });
        CHECK(f.stream->unmask(port).has_value());
    };
    f.loop.run_once(false);
    for (int request = 1; request <= 3; ++request) {
        f.fire({8});
        f.loop.run_once();
        CHECK(reads == request - 1);
        f.loop.run_once();
        CHECK(reads == request);
        CHECK(f.unmasked() == Ports{8});
    }
}

TEST_CASE("while a disk takes its time, the unmask of the request's event ends no wait", "[ports][stream]") {
    Fixture f;
    if (!f) return;
    auto const engine = blkbackd::make_uring_engine(*f.ring);
    test::Pipe disk;
    std::byte memory{};
    int reads = 0;
    f.on_fired = [&](EventPort port) {
        engine->read(disk.read_end.get(), {&memory, 1}, 0, [&](int error) { reads += error == 0 ? 1 : 100; });
        CHECK(f.stream->unmask(port).has_value());
    };
    f.loop.run_once(false);
    for (int request = 1; request <= 3; ++request) {
        f.fire({8});
        f.loop.run_once();
        std::jthread const finish_after_unmask{[&] {
            pollfd entry{.fd = f.far_end.get(), .events = POLLIN, .revents = 0};
            ::poll(&entry, 1, -1);
            disk.fill();
        }};
        f.loop.run_once();
        REQUIRE(reads == request);
        CHECK(f.unmasked() == Ports{8});
    }
}
