// SPDX-License-Identifier: Apache-2.0
// The ioctls of /dev/xen/gntdev (xen/sys/gntdev.h; linux-pv-abi.md 5.3).
#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/copy_segments.hpp"
#include "dom0-tools/ports/grant.hpp"
#include "dom0-tools/ports/granted_memory.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace hospes {
namespace {

constexpr char const* kDevice = "/dev/xen/gntdev";

class LinuxGrants final : public GrantDevice {
public:
    explicit LinuxGrants(UniqueFd fd) : fd_{std::move(fd)} {}

    Status copy(std::span<GrantCopy> pieces) override;
    Result<std::span<std::byte>> copy_memory(std::size_t page_count) override;

private:
    Result<std::pair<std::byte*, std::uint64_t>> do_map(DomId domain, std::span<GrantRef const> refs, Access access) override;
    void do_unmap(std::byte* memory, std::size_t page_count, std::uint64_t index) override;
    void forget(std::uint64_t index, std::size_t page_count);

    UniqueFd fd_;
    CopySegments segments_;
    GrantedMemory own_;
    bool has_copy_memory_ = false;  // own_, or what stands for it
};

Result<std::pair<std::byte*, std::uint64_t>> LinuxGrants::do_map(DomId domain, std::span<GrantRef const> refs, Access access) {
    if (refs.empty()) return fail(EINVAL, "map grants of domain {}: none given", domain.raw());
    // The request ends in a variable array, of which its type holds the first element.
    std::size_t const size = sizeof(ioctl_gntdev_map_grant_ref) + (refs.size() - 1) * sizeof(ioctl_gntdev_grant_ref);
    std::vector<std::uint64_t> storage((size + 7) / 8);
    auto* const request = new (storage.data()) ioctl_gntdev_map_grant_ref{};
    request->count = static_cast<std::uint32_t>(refs.size());
    auto* const entries = reinterpret_cast<std::byte*>(storage.data()) + offsetof(ioctl_gntdev_map_grant_ref, refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        ioctl_gntdev_grant_ref const entry{.domid = domain.raw(), .ref = refs[i].raw()};
        std::memcpy(entries + i * sizeof entry, &entry, sizeof entry);
    }
    if (::ioctl(fd_.get(), IOCTL_GNTDEV_MAP_GRANT_REF, request) < 0)
        return fail_errno("reserve room for {} grants of domain {}", refs.size(), domain.raw());

    int const protection = access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const memory = ::mmap(nullptr, refs.size() * 4096, protection, MAP_SHARED, fd_.get(), static_cast<off_t>(request->index));
    if (memory == MAP_FAILED) {
        int const code = errno;
        forget(request->index, refs.size());
        return std::unexpected{Error::from_errno(
            fmt::format("map {} grants of domain {} from reference {}", refs.size(), domain.raw(), refs[0].raw()), code)};
    }
    return std::pair{static_cast<std::byte*>(memory), request->index};
}

void LinuxGrants::do_unmap(std::byte* memory, std::size_t page_count, std::uint64_t index) {
    ::munmap(memory, page_count * 4096);
    forget(index, page_count);
}

void LinuxGrants::forget(std::uint64_t index, std::size_t page_count) {
    ioctl_gntdev_unmap_grant_ref request{.index = index, .count = static_cast<std::uint32_t>(page_count), .pad = 0};
    if (::ioctl(fd_.get(), IOCTL_GNTDEV_UNMAP_GRANT_REF, &request) < 0)
        spdlog::error("{}", Error::from_errno("release a grant mapping").message());
}

Result<std::span<std::byte>> LinuxGrants::copy_memory(std::size_t page_count) {
    if (std::exchange(has_copy_memory_, true)) return fail(EBUSY, "{} more pages for copies from and to domains", page_count);
    auto own = GrantedMemory::allocate(page_count);
    if (!own) {
        spdlog::warn("copies from and to domains will be slower: {}", own.error().message());
        auto* const memory = static_cast<std::byte*>(std::aligned_alloc(4096, page_count * 4096));
        if (memory == nullptr) return fail(ENOMEM, "{} pages for copies from and to domains", page_count);
        return std::span{memory, page_count * 4096};
    }
    own_ = std::move(*own);
    return own_.bytes();
}

Status LinuxGrants::copy(std::span<GrantCopy> pieces) {
    segments_.assign(pieces, own_);
    auto const segments = segments_.segments();
    ioctl_gntdev_grant_copy request{.count = static_cast<unsigned>(segments.size()), .segments = segments.data()};
    if (::ioctl(fd_.get(), IOCTL_GNTDEV_GRANT_COPY, &request) < 0) return fail_errno("copy {} granted pieces", pieces.size());
    segments_.tell(pieces);
    return {};
}

}  // namespace

Result<std::unique_ptr<GrantDevice>> open_grants() {
    return std::make_unique<LinuxGrants>(HV_TRY(open_file(kDevice, O_RDWR)));
}

}  // namespace hospes
