// SPDX-License-Identifier: Apache-2.0
// A folder that is gone after the test.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>

namespace hospes::test {

class TemporaryFolder {
public:
    TemporaryFolder() {
        char name[] = "/tmp/hospes-test-XXXXXX";
        if (::mkdtemp(name) == nullptr) throw std::runtime_error{"no temporary folder"};
        path_ = name;
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;  // a folder left in /tmp fails no test
        std::filesystem::remove_all(path_, ignored);
    }
    std::string const& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace hospes::test
