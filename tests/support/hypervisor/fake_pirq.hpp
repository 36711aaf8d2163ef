// SPDX-License-Identifier: Apache-2.0
// Physical interrupts: GSIs 0 to 15 exist, and PCI functions on bus 0 with one MSI or four MSI-X entries each. The test sees who has bound
// what, and which messages are mapped.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <map>
#include <set>

namespace hospes::test {

inline constexpr u32 kFakeGsis = 16;
inline constexpr u32 kFakeMessages = 4;  // pirqs for messages, from kFakeGsis on
inline constexpr u64 kFakeIoApic = 0xfec0'0000;

struct FakePirqs {
    std::map<u32, EventPort> bound;  // by pirq
    unsigned unbinds = 0;
    std::set<u32> ended;      // by end_pirq
    std::map<u32, bool> gsis; // set up: is it level-triggered?
    std::set<u32> messages;   // mapped
};
FakePirqs& pirqs();

}  // namespace hospes::test
