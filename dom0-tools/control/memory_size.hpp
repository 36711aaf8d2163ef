// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/result.hpp"

#include <cstdint>
#include <string>

namespace hospes::control {

/// A count and a unit as libvirt writes them (b, bytes, KB, k, KiB, MB, M, MiB, GB, G, GiB, TB, T, TiB) in bytes.
/// KB is 1000 bytes; k, KiB are 1024. Source: libvirt's formatdomain, memory allocation.
Result<std::uint64_t> parse_memory_size(std::string const& count, std::string const& unit);

/// 268435456 as "256 MiB": the largest unit that gives a whole number, or one decimal of GiB.
std::string shown_size(std::uint64_t bytes);

}  // namespace hospes::control
