// SPDX-License-Identifier: Apache-2.0
// What domains have used of the machine, and from two looks at that, what they use now.
#pragma once

#include "dom0-tools/base/disk_counters.hpp"
#include "dom0-tools/control/domain_list.hpp"

#include <nlohmann/json.hpp>

#include <chrono>

namespace hospes::cli {

/// Bytes so far, as the domain sees them.
struct Traffic {
    std::uint64_t in = 0;   ///< read from disk; received
    std::uint64_t out = 0;  ///< written; sent
};

/// One domain at one time.
struct DomainSample {
    control::DomainSummary domain;
    Traffic disks;
    Traffic network;
};

struct Sample {
    std::chrono::nanoseconds at{};
    std::vector<DomainSample> domains;
    unsigned processors = 0;  ///< online
};

/// Bytes a second; nothing when the domain has no such device.
struct Usage {
    control::DomainSummary domain;
    double cpu_percent = 0;  ///< of one processor
    Traffic disk_rate;
    Traffic network_rate;
};

struct MachineUsage {
    std::vector<Usage> domains;        ///< who uses most processor first
    double busy_percent = 0;           ///< what all domains use of all processors
    unsigned processors = 0;
};

/// Where the counters are: a folder in tests.
struct CounterPaths {
    std::string disks = kDiskCountersFolder;
    std::string network = "/sys/class/net";
};

/// Looks at all domains. `store` may be nullptr; devices are unknown then.
Result<Sample> take_sample(Privcmd& privcmd, xenstore::StoreView const* store, CounterPaths const& paths);

/// What happened from `before` to `after`. A counter that went back has been started anew: nothing is said of it this time.
MachineUsage usage_between(Sample const& before, Sample const& after);

std::string to_table(MachineUsage const& usage);
nlohmann::json to_json(MachineUsage const& usage);

}  // namespace hospes::cli
