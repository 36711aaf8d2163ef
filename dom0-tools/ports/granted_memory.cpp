// SPDX-License-Identifier: Apache-2.0
// The ioctl of /dev/xen/gntalloc (xen/sys/gntalloc.h).
#include "dom0-tools/ports/granted_memory.hpp"

#include "dom0-tools/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>

extern "C" {
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/sys/gntalloc.h>
}

namespace hospes {

Result<GrantedMemory> GrantedMemory::allocate(std::size_t page_count) {
    auto const fd = HV_TRY(open_file("/dev/xen/gntalloc", O_RDWR));
    // The request ends in a variable array, of which its type holds the first element.
    std::vector<std::uint64_t> storage((sizeof(ioctl_gntalloc_alloc_gref) + page_count * sizeof(std::uint32_t)) / 8 + 1);
    auto* const request = new (storage.data()) ioctl_gntalloc_alloc_gref{};
    request->domid = kDomIdDom0.raw();
    request->flags = GNTALLOC_FLAG_WRITABLE;
    request->count = static_cast<std::uint32_t>(page_count);
    if (::ioctl(fd.get(), IOCTL_GNTALLOC_ALLOC_GREF, request) < 0) return fail_errno("grant {} pages of our own", page_count);

    std::vector<std::uint32_t> numbers(page_count);
    auto const* const granted = reinterpret_cast<std::byte const*>(request) + offsetof(ioctl_gntalloc_alloc_gref, gref_ids);
    std::memcpy(numbers.data(), granted, page_count * sizeof(std::uint32_t));
    // The mapping keeps the pages when the descriptor is gone; until then the descriptor does.
    auto const index = static_cast<off_t>(request->index);
    void* const memory = ::mmap(nullptr, page_count * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), index);
    if (memory == MAP_FAILED) return fail_errno("map {} pages that we granted ourselves", page_count);
    return GrantedMemory{{static_cast<std::byte*>(memory), page_count * 4096}, {numbers.begin(), numbers.end()}};
}

}  // namespace hospes
