// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/memory_size.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <string_view>

namespace hospes::control {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr std::array kUnits{
    Unit{"b", 1},           Unit{"bytes", 1},         Unit{"KB", 1000},          Unit{"k", 1ull << 10},
    Unit{"KiB", 1ull << 10}, Unit{"MB", 1'000'000},    Unit{"M", 1ull << 20},     Unit{"MiB", 1ull << 20},
    Unit{"GB", 1'000'000'000}, Unit{"G", 1ull << 30},  Unit{"GiB", 1ull << 30},   Unit{"TB", 1'000'000'000'000},
    Unit{"T", 1ull << 40},  Unit{"TiB", 1ull << 40},
};

}  // namespace

Result<std::uint64_t> parse_memory_size(std::string const& count, std::string const& unit) {
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(count.data(), count.data() + count.size(), value);
    if (error != std::errc{} || end != count.data() + count.size()) {
        return fail(EINVAL, "'{}' is not a whole number", count.substr(0, 40));
    }
    for (auto const& known : kUnits) {
        if (known.name != unit) continue;
        if (value > std::numeric_limits<std::uint64_t>::max() / known.bytes) return fail(EINVAL, "{} {} is too large", count, unit);
        return value * known.bytes;
    }
    return fail(EINVAL, "unit '{}' is unknown; use KiB, MiB or GiB", unit.substr(0, 40));
}

std::string shown_size(std::uint64_t bytes) {
    constexpr std::uint64_t kKiB = 1 << 10;
    constexpr std::uint64_t kMiB = 1 << 20;
    constexpr std::uint64_t kGiB = 1 << 30;
    if (bytes >= kGiB && bytes % kGiB == 0) return fmt::format("{} GiB", bytes / kGiB);
    if (bytes >= 10 * kGiB) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGiB));
    if (bytes >= kMiB) return fmt::format("{} MiB", bytes / kMiB);
    return fmt::format("{} KiB", bytes / kKiB);
}

}  // namespace hospes::control
