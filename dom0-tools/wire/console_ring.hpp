// SPDX-License-Identifier: Apache-2.0
// The daemon's side of a domain's console page (struct xencons_interface of xen/io/console.h): the domain's output is taken,
// input is given. The domain may write anything anywhere in the page.
#pragma once

#include "dom0-tools/wire/shared.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hospes::wire {

class ConsoleRing {
public:
    static constexpr std::uint32_t kInputSize = 1024;
    static constexpr std::uint32_t kOutputSize = 2048;

    // `page` must stay mapped. The indices found in it are taken up, so that a new daemon goes on where the old one stopped.
    explicit ConsoleRing(std::byte* page);

    // Moves output of the domain to `to` and returns the number of bytes; nothing if the domain's index is out of bounds.
    // The domain is to be notified if bytes were taken: it may sleep on a full ring.
    std::optional<std::size_t> take_output(std::span<std::byte> to);

    // Gives the domain as much of `input` as fits and returns the number of bytes; nothing if its index is out of bounds.
    std::optional<std::size_t> give_input(std::span<std::byte const> input);

    // Nothing was ever taken or given: no daemon has served this ring yet.
    bool is_fresh() const { return our_in_prod_ == 0 && our_out_cons_ == 0; }

private:
    std::byte* page_;
    SharedWord in_cons_, in_prod_, out_cons_, out_prod_;
    std::uint32_t our_in_prod_;   // ours are kept here: what the domain writes over them is never read back
    std::uint32_t our_out_cons_;
};

}  // namespace hospes::wire
