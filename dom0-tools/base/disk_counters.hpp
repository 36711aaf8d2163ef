// SPDX-License-Identifier: Apache-2.0
// What blkbackd has done for one disk, where `hospes top` finds it: a small file in memory that the daemon has mapped, so that counting
// costs an addition and nobody has to be asked.
#pragma once

#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/result.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace hospes {

struct DiskTotals {
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t written_bytes = 0;
};

inline constexpr char kDiskCountersFolder[] = "/run/hospes/disks";

class DiskCounters {
public:
    /// Makes the file of disk `number` of `domain`; it goes with this object.
    static Result<DiskCounters> create(std::string const& folder, DomId domain, std::uint32_t number);
    /// What that file says now. ENOENT when there is none.
    static Result<DiskTotals> read(std::string const& folder, DomId domain, std::uint32_t number);

    DiskCounters(DiskCounters&& other) noexcept : path_{std::move(other.path_)}, shared_{std::exchange(other.shared_, nullptr)} {}
    DiskCounters& operator=(DiskCounters&&) = delete;
    ~DiskCounters();

    void count_read(std::uint64_t bytes) { count(shared_->reads, shared_->read_bytes, bytes); }
    void count_write(std::uint64_t bytes) { count(shared_->writes, shared_->written_bytes, bytes); }

private:
    struct Shared {
        std::atomic<std::uint64_t> reads, writes, read_bytes, written_bytes;
    };
    DiskCounters(std::string path, Shared* shared) : path_{std::move(path)}, shared_{shared} {}
    static void count(std::atomic<std::uint64_t>& requests, std::atomic<std::uint64_t>& sum, std::uint64_t bytes) {
        requests.fetch_add(1, std::memory_order_relaxed);
        sum.fetch_add(bytes, std::memory_order_relaxed);
    }

    std::string path_;
    Shared* shared_ = nullptr;
};

}  // namespace hospes
