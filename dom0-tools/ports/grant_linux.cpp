// SPDX-License-Identifier: Apache-2.0
// The ioctls of /dev/xen/gntdev (xen/sys/gntdev.h; linux-pv-abi.md 5.3).
#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/ports/grant.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

extern "C" {
#include <xen/xen.h>
#include <xen/sys/gntdev.h>
#include <xen/grant_table.h>
}

namespace hospes {
namespace {

constexpr char const* kDevice = "/dev/xen/gntdev";

class LinuxGrants final : public GrantDevice {
public:
    explicit LinuxGrants(UniqueFd fd) : fd_{std::move(fd)} {}

    Status copy(std::span<GrantCopy> pieces) override;

private:
    Result<std::pair<std::byte*, std::uint64_t>> do_map(DomId domain, std::span<GrantRef const> refs, Access access) override;
    void do_unmap(std::byte* memory, std::size_t page_count, std::uint64_t index) override;
    void forget(std::uint64_t index, std::size_t page_count);

    UniqueFd fd_;
    std::vector<ioctl_gntdev_grant_copy_segment> segments_;  // kept between calls: copying is the hot path
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

Status LinuxGrants::copy(std::span<GrantCopy> pieces) {
    segments_.resize(pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        auto const& piece = pieces[i];
        auto& segment = segments_[i];
        segment = {};
        bool const incoming = piece.direction == GrantCopy::Direction::from_domain;
        auto& foreign = incoming ? segment.source : segment.dest;
        auto& local = incoming ? segment.dest : segment.source;
        foreign.foreign.ref = piece.ref.raw();
        foreign.foreign.offset = piece.offset;
        foreign.foreign.domid = piece.domain.raw();
        local.virt = piece.local;
        segment.len = piece.size;
        segment.flags = incoming ? GNTCOPY_source_gref : GNTCOPY_dest_gref;
    }
    ioctl_gntdev_grant_copy request{.count = static_cast<unsigned>(pieces.size()), .segments = segments_.data()};
    if (::ioctl(fd_.get(), IOCTL_GNTDEV_GRANT_COPY, &request) < 0) return fail_errno("copy {} granted pieces", pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i].status = segments_[i].status;
    return {};
}

}  // namespace

Result<std::unique_ptr<GrantDevice>> open_grants() {
    return std::make_unique<LinuxGrants>(HV_TRY(open_file(kDevice, O_RDWR)));
}

}  // namespace hospes
