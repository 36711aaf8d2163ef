// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/store_connection.hpp"

#include "dom0-tools/base/unique_fd.hpp"
#include "tests/support/temporary_folder.hpp"
#include "xenstore/client/stream_channel.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <thread>

using namespace hospes;

namespace {

// A socket file, and somebody who listens there, or not (any more).
class Socket {
public:
    explicit Socket(std::string const& path) : fd_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    }
    void listen() { ::listen(fd_.get(), 1); }

private:
    UniqueFd fd_;
};

struct Fixture {
    test::TemporaryFolder folder;
    std::string path = folder.path() + "/socket";
    Fixture() { ::setenv("XENSTORED_PATH", path.c_str(), 1); }
    ~Fixture() { ::unsetenv("XENSTORED_PATH"); }
};

}  // namespace

TEST_CASE("a daemon waits for an xenstored that is started again", "[backend][store]") {
    Fixture f;
    Socket socket{f.path};  // left by one that was killed
    auto const refused = backend::connect_to_store(1);
    REQUIRE(!refused);
    CHECK(refused.error().code() == ECONNREFUSED);
    std::jthread const start_again{[&] {
        std::this_thread::sleep_for(2 * backend::kConnectPause);
        socket.listen();
    }};
    CHECK(backend::connect_to_store(1000));
}

TEST_CASE("a daemon of the control domain speaks to xenstored itself, not through the kernel", "[backend][store]") {
    ::unsetenv("XENSTORED_PATH");
    if (xenstore::connect_to(xenstore::kDefaultSocket)) {
        WARN("an xenstored runs here: nothing can be tested");
        return;
    }
    auto const connected = backend::connect_to_store(1);
    REQUIRE(!connected);
    CHECK(connected.error().message().find(xenstore::kDefaultSocket) != std::string::npos);
    CHECK(connected.error().message().find(xenstore::kKernelDevice) == std::string::npos);
}
