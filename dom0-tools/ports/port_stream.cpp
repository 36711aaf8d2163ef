// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/ports/port_stream.hpp"

#include "dom0-tools/base/liburing.hpp"

#include <algorithm>
#include <array>

namespace hospes {

// The descriptor does not block, so the kernel waits with a poll of it until there is something to read.
class PortStream::Read final : public RingOperation {
public:
    explicit Read(PortStream& stream) : stream_{stream} {}

    void prepare(io_uring_sqe& entry) override { io_uring_prep_read(&entry, stream_.fd_, fired_.data(), sizeof fired_, 0); }

    void completed(int result, std::unique_ptr<RingOperation> self) override {
        if (result < 0 && result != -EAGAIN && result != -EINTR) stream_.events_.read_failed(Error::from_errno("read fired ports", -result));
        auto const count = result > 0 ? static_cast<std::size_t>(result) / sizeof fired_[0] : 0;
        for (std::size_t i = 0; i < count; ++i) stream_.events_.fired(EventPort{fired_[i]});
        stream_.operations_.start(std::move(self));
    }

private:
    PortStream& stream_;
    std::array<std::uint32_t, 64> fired_;
};

// The device takes any number of ports without waiting: there is nothing to hear of it, unless it takes them only in part or not at all.
class PortStream::Unmask final : public RingOperation {
public:
    explicit Unmask(PortStream& stream) : stream_{stream} {}

    bool is_silent() const override { return true; }
    void prepare(io_uring_sqe& entry) override {
        stream_.is_unmask_started_ = false;
        for (auto const port : stream_.to_unmask_) ports_.push_back(port.raw());
        stream_.to_unmask_.clear();
        io_uring_prep_write(&entry, stream_.fd_, ports_.data(), static_cast<unsigned>(ports_.size() * sizeof ports_[0]), 0);
    }

    void completed(int result, std::unique_ptr<RingOperation> self) override {
        if (result == 0) return;
        bool const is_over = result < 0 && result != -EAGAIN && result != -EINTR;
        auto const done = result > 0 ? static_cast<std::ptrdiff_t>(result) / static_cast<std::ptrdiff_t>(sizeof ports_[0]) : 0;
        ports_.erase(ports_.begin(), ports_.begin() + done);
        if (ports_.empty()) return;
        if (!is_over) return stream_.operations_.start(std::move(self));
        for (auto const port : ports_) stream_.refused(EventPort{port}, -result);
    }

private:
    PortStream& stream_;
    std::vector<std::uint32_t> ports_;
};

PortStream::PortStream(CompletionRing& ring, int fd, Events events) : fd_{fd}, events_{std::move(events)}, operations_{ring} {
    operations_.start(std::make_unique<Read>(*this));
}

Status PortStream::unmask(EventPort port) {
    if (refusal_ && refusal_->port == port) return std::unexpected{refusal_->error};
    to_unmask_.push_back(port);
    if (std::exchange(is_unmask_started_, true)) return {};
    operations_.start(std::make_unique<Unmask>(*this));
    return {};
}

void PortStream::forget(EventPort port) { std::erase(to_unmask_, port); }

void PortStream::refused(EventPort port, int code) {
    refusal_ = Refusal{port, Error::from_errno(fmt::format("unmask port {}", port.raw()), code)};
    events_.fired(port);
    refusal_.reset();
}

}  // namespace hospes
