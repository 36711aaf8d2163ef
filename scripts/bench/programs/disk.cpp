// SPDX-License-Identifier: Apache-2.0
// disk DEVICE SECONDS: what a block device gives with O_DIRECT, one request at a time: sequential reads and writes of
// 1 MiB (MiB/s), random reads and writes of 4 KiB (a second). It overwrites the device.
#include "common.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>

#include <cstdint>
#include <random>

namespace {

using namespace bench;
constexpr size_t kLarge = 1 << 20, kSmall = 4096;

class Disk {
public:
    explicit Disk(char const* path) : file_{::open(path, O_RDWR | O_DIRECT | O_CLOEXEC)} {
        if (file_ < 0 || ::ioctl(file_, BLKGETSIZE64, &size_) != 0) give_up(path);
        if (::posix_memalign(&buffer_, kSmall, kLarge) != 0) give_up("memory");
    }

    void move(bool write, size_t size, uint64_t at) {
        ssize_t const moved = write ? ::pwrite(file_, buffer_, size, static_cast<off_t>(at))
                                    : ::pread(file_, buffer_, size, static_cast<off_t>(at));
        if (moved != static_cast<ssize_t>(size)) give_up(write ? "write" : "read");
    }

    uint64_t size() const { return size_; }

private:
    int file_;
    uint64_t size_ = 0;
    void* buffer_ = nullptr;
};

/// How often an operation is done in a second.
template <class Operation> double rate(double seconds, Operation const& operation) {
    auto const start = Clock::now();
    long done = 0;
    double taken = 0;
    do {
        operation(done++);
        taken = seconds_since(start);
    } while (taken < seconds);
    return static_cast<double>(done) / taken;
}

}  // namespace

int main(int count, char** words) {
    if (count != 3) return 2;
    Disk disk{words[1]};
    double const seconds = std::atof(words[2]);
    std::mt19937_64 random{1};
    uint64_t const large = disk.size() / kLarge, small = disk.size() / kSmall;
    for (bool const write : {false, true}) {
        std::string const verb = write ? "write" : "read";
        figure("sequential_" + verb, rate(seconds, [&](long i) { disk.move(write, kLarge, static_cast<uint64_t>(i) % large * kLarge); }));
        figure("random_" + verb, rate(seconds, [&](long) { disk.move(write, kSmall, random() % small * kSmall); }));
    }
    return 0;
}
