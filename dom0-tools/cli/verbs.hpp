// SPDX-License-Identifier: Apache-2.0
// The hospes command's verbs: one row each, from which parser, help and completion are made.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hospes::cli {

/// What a verb takes besides its options.
enum class Operand : std::uint8_t { none, domain, optional_domain, file, optional_verb, debug_action, vcpu, cpus, optional_cpus, count };

inline constexpr std::size_t kMoreOperands = 3;  ///< besides the first

/// Options, as a set of bits in a verb's row.
enum Option : unsigned {
    kJson = 1 << 0,
    kConsole = 1 << 1,
    kPaused = 1 << 2,
    kWait = 1 << 3,
    kTimeout = 1 << 4,
    kStrict = 1 << 5,
    kReadOnly = 1 << 6,
    kWeight = 1 << 7,
    kCap = 1 << 8,
    kBatch = 1 << 9,  ///< with the number of iterations and the delay
};

/// What the person has written.
struct Arguments {
    std::string operand;
    std::string keys;  ///< behind debug_action
    std::array<std::string, kMoreOperands> more;
    bool json = false;
    bool console = false;
    bool paused = false;
    bool wait = false;
    bool strict = false;
    bool read_only = false;
    bool batch = false;
    unsigned timeout_seconds = 120;
    unsigned delay_seconds = 3;
    std::optional<unsigned> iterations;
    std::optional<unsigned> weight;
    std::optional<unsigned> cap;
};

struct Verb {
    std::string_view name;
    Operand operand;
    unsigned options;  ///< of Option
    std::string_view summary;
    Status (*run)(Arguments const&);
    std::array<Operand, kMoreOperands> more{};  ///< behind the first one
};

std::span<Verb const> verbs();
Verb const* find_verb(std::string_view name);

// Each prints to standard output; an error is what standard error gets, and exit status 1.
Status create(Arguments const& arguments);
Status list(Arguments const& arguments);
Status console(Arguments const& arguments);
Status info(Arguments const& arguments);
Status vcpu_list(Arguments const& arguments);
Status vcpu_pin(Arguments const& arguments);
Status vcpu_set(Arguments const& arguments);
Status sched(Arguments const& arguments);
Status top(Arguments const& arguments);
Status dmesg(Arguments const& arguments);
Status pause(Arguments const& arguments);
Status unpause(Arguments const& arguments);
Status shutdown(Arguments const& arguments);
Status reboot(Arguments const& arguments);
Status destroy(Arguments const& arguments);
Status check(Arguments const& arguments);
Status version(Arguments const& arguments);
Status debug(Arguments const& arguments);
Status help(Arguments const& arguments);
Status completion(Arguments const& arguments);

}  // namespace hospes::cli
