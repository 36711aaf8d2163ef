// SPDX-License-Identifier: Apache-2.0
// Pages of our own, granted to ourselves (/dev/xen/gntalloc). A grant copy names such a page by its reference; of any other memory
// gntdev has to look each page up in our page tables and pin it, which costs more than the rest of the operation.
#pragma once

#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hospes {

class GrantedMemory {
public:
    struct Place {
        GrantRef ref;
        std::uint16_t offset;  // in the page of `ref`
    };

    GrantedMemory() = default;
    // `refs`: of the pages of `bytes`, in order.
    GrantedMemory(std::span<std::byte> bytes, std::vector<GrantRef> refs) : bytes_{bytes}, refs_{std::move(refs)} {}

    // Zeroed pages; they go when the process does. ENOSPC: more than the module grants all processes (1,024 pages, unless its parameter
    // says otherwise); ENOENT: no module.
    static Result<GrantedMemory> allocate(std::size_t page_count);

    std::span<std::byte> bytes() const { return bytes_; }
    // Where `at` lies, if it is ours.
    std::optional<Place> find(std::byte const* at) const {
        auto const distance = reinterpret_cast<std::uintptr_t>(at) - reinterpret_cast<std::uintptr_t>(bytes_.data());
        if (distance >= bytes_.size()) return std::nullopt;
        return Place{.ref = refs_[distance / 4096], .offset = static_cast<std::uint16_t>(distance % 4096)};
    }

private:
    std::span<std::byte> bytes_;
    std::vector<GrantRef> refs_;
};

}  // namespace hospes
