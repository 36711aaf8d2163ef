// SPDX-License-Identifier: Apache-2.0
// A pipe whose ends do not block.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

namespace hospes::test {

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
    Pipe() {
        int fds[2];
        REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
        read_end.reset(fds[0]);
        write_end.reset(fds[1]);
    }
    void put(std::string_view text) const { REQUIRE(::write(write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())); }
    void fill() const { put("x"); }
};

}  // namespace hospes::test
