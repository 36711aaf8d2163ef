// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/wire/console_ring.hpp"

#include "dom0-tools/wire/xen_io.hpp"

#include <algorithm>

namespace hospes::wire {

static_assert(sizeof(xencons_interface::in) == ConsoleRing::kInputSize);
static_assert(sizeof(xencons_interface::out) == ConsoleRing::kOutputSize);

ConsoleRing::ConsoleRing(std::byte* page)
    : page_{page},
      in_cons_{page + offsetof(xencons_interface, in_cons)},
      in_prod_{page + offsetof(xencons_interface, in_prod)},
      out_cons_{page + offsetof(xencons_interface, out_cons)},
      out_prod_{page + offsetof(xencons_interface, out_prod)},
      our_in_prod_{in_prod_.load()},
      our_out_cons_{out_cons_.load()} {}

std::optional<std::size_t> ConsoleRing::take_output(std::span<std::byte> to) {
    std::uint32_t const available = out_prod_.load() - our_out_cons_;
    if (available > kOutputSize) return std::nullopt;
    auto const* const ring = page_ + offsetof(xencons_interface, out);
    std::size_t const count = std::min<std::size_t>(available, to.size());
    std::size_t const start = our_out_cons_ % kOutputSize;
    std::size_t const first = std::min<std::size_t>(count, kOutputSize - start);
    std::memcpy(to.data(), ring + start, first);
    std::memcpy(to.data() + first, ring, count - first);
    our_out_cons_ += static_cast<std::uint32_t>(count);
    if (count > 0) out_cons_.store(our_out_cons_);
    return count;
}

std::optional<std::size_t> ConsoleRing::give_input(std::span<std::byte const> input) {
    std::uint32_t const used = our_in_prod_ - in_cons_.load();
    if (used > kInputSize) return std::nullopt;
    auto* const ring = page_ + offsetof(xencons_interface, in);
    std::size_t const count = std::min<std::size_t>(kInputSize - used, input.size());
    std::size_t const start = our_in_prod_ % kInputSize;
    std::size_t const first = std::min<std::size_t>(count, kInputSize - start);
    std::memcpy(ring + start, input.data(), first);
    std::memcpy(ring, input.data() + first, count - first);
    our_in_prod_ += static_cast<std::uint32_t>(count);
    if (count > 0) in_prod_.store(our_in_prod_);
    return count;
}

}  // namespace hospes::wire
