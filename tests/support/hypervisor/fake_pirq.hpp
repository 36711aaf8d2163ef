// SPDX-License-Identifier: Apache-2.0
// Physical interrupts: 16 exist, of which the test sees who has bound them.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <map>

namespace hospes::test {

struct FakePirqs {
    std::map<u32, EventPort> bound;  // by pirq
    unsigned unbinds = 0;
};
FakePirqs& pirqs();

}  // namespace hospes::test
