// SPDX-License-Identifier: Apache-2.0
// Other domains' granted pages, as /dev/xen/gntdev offers them: mapped, or copied without a mapping.
#pragma once

#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace hospes {

class GrantDevice;

enum class Access : std::uint8_t { read_only, read_write };

// Pages of another domain in our address space, in the order of the references; unmapped by the destructor.
// The content is shared with a hostile domain: look at it only through the views of wire/.
class GrantMapping {
public:
    GrantMapping() = default;
    GrantMapping(GrantDevice& device, std::byte* memory, std::size_t page_count, std::uint64_t index)
        : device_{&device}, memory_{memory}, page_count_{page_count}, index_{index} {}
    GrantMapping(GrantMapping&& other) noexcept
        : device_{std::exchange(other.device_, nullptr)}, memory_{other.memory_}, page_count_{other.page_count_}, index_{other.index_} {}
    GrantMapping& operator=(GrantMapping&& other) noexcept;
    ~GrantMapping() { reset(); }

    std::byte* data() const { return memory_; }
    std::byte* page(std::size_t number) const { return memory_ + number * 4096; }
    std::size_t page_count() const { return page_count_; }
    explicit operator bool() const { return device_ != nullptr; }
    void reset();

private:
    GrantDevice* device_ = nullptr;
    std::byte* memory_ = nullptr;
    std::size_t page_count_ = 0;
    std::uint64_t index_ = 0;
};

// One piece of a grant copy; it must not cross the end of the foreign page.
struct GrantCopy {
    enum class Direction : std::uint8_t { from_domain, to_domain };
    Direction direction;
    DomId domain;
    GrantRef ref;
    std::uint16_t offset;  // in the foreign page
    std::uint16_t size;
    std::byte* local;
    std::int16_t status = 0;  // out: GNTST_okay (0) or a negative GNTST_* of xen/grant_table.h
};

class GrantDevice {
public:
    virtual ~GrantDevice() = default;

    // Maps all of `refs` of `domain`, or nothing. EINVAL if one of them is not granted to us (for writing, if so asked).
    Result<GrantMapping> map(DomId domain, std::span<GrantRef const> refs, Access access) {
        auto const [memory, index] = HV_TRY(do_map(domain, refs, access));
        return GrantMapping{*this, memory, refs.size(), index};
    }

    // Performs all pieces; each has its own status. An error means that none can be relied on.
    virtual Status copy(std::span<GrantCopy> pieces) = 0;

    // Whole pages, which stay as long as the process: copies from and to them cost least. EBUSY at the
    // second call.
    virtual Result<std::span<std::byte>> copy_memory(std::size_t page_count) = 0;

private:
    friend class GrantMapping;
    virtual Result<std::pair<std::byte*, std::uint64_t>> do_map(DomId domain, std::span<GrantRef const> refs, Access access) = 0;
    virtual void do_unmap(std::byte* memory, std::size_t page_count, std::uint64_t index) = 0;
};

inline void GrantMapping::reset() {
    if (auto* device = std::exchange(device_, nullptr)) device->do_unmap(memory_, page_count_, index_);
}

inline GrantMapping& GrantMapping::operator=(GrantMapping&& other) noexcept {
    if (this == &other) return *this;
    reset();
    memory_ = other.memory_;
    page_count_ = other.page_count_;
    index_ = other.index_;
    device_ = std::exchange(other.device_, nullptr);
    return *this;
}

Result<std::unique_ptr<GrantDevice>> open_grants();

}  // namespace hospes
