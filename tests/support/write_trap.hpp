// SPDX-License-Identifier: Apache-2.0
// The moment before a page is written, for what another processor may do just then.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <utility>

#include <sys/mman.h>

namespace hospes::test {

// Calls `before` when the page at `page` is about to be written, once; then it may be written. One at a time.
class WriteTrap {
public:
    WriteTrap(std::byte* page, std::function<void()> before) {
        page_ = page;
        before_ = std::move(before);
        struct sigaction action {};
        action.sa_handler = [](int) { spring(); };
        if (::sigaction(SIGSEGV, &action, &former_) != 0 || ::mprotect(page_, 4096, PROT_READ) != 0) std::abort();
    }
    WriteTrap(WriteTrap const&) = delete;
    WriteTrap& operator=(WriteTrap const&) = delete;
    ~WriteTrap() {
        if (!has_sprung()) open();
        ::sigaction(SIGSEGV, &former_, nullptr);
    }
    bool has_sprung() const { return page_ == nullptr; }

private:
    static void open() {
        if (::mprotect(std::exchange(page_, nullptr), 4096, PROT_READ | PROT_WRITE) != 0) std::abort();
    }
    // The write is tried again when we return.
    static void spring() {
        if (page_ == nullptr) std::abort();
        open();
        before_();
    }

    static inline std::byte* page_ = nullptr;
    static inline std::function<void()> before_;
    struct sigaction former_ {};
};

}  // namespace hospes::test
