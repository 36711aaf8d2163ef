// SPDX-License-Identifier: Apache-2.0
// The file that keeps a domain's console output. Bounded: at its limit it becomes NAME.log.1 and a new one is begun.
#pragma once

#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/unique_fd.hpp"

#include <string>
#include <vector>

namespace hospes::consoled {

class ConsoleLog {
public:
    static constexpr std::uint64_t kLimit = std::uint64_t{4} << 20;

    // Opens <directory>/<name>.log for appending; the name is made safe for a file name.
    static Result<ConsoleLog> open(std::string const& directory, std::string const& name);

    // A line that says that output of a new domain begins here.
    Status begin_domain(DomId domain, std::string const& name);
    Status append(std::span<std::byte const> bytes);

    // The output since the last begin_domain() for this domain, at most `limit` bytes of it: what a daemon that was started
    // anew shows its readers first.
    Result<std::vector<std::byte>> tail(DomId domain, std::string const& name, std::size_t limit) const;

    std::string const& path() const { return path_; }

private:
    Status open_file_again();

    std::string path_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

}  // namespace hospes::consoled
