// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fake_pirq.hpp"

#include "hypervisor/core/event/pirq.hpp"

namespace hospes {

using test::pirqs;

Status bind_pirq(Domain&, Pirq pirq, EventPort port, bool) {
    if (pirq.raw() >= 16) return Errno::invalid;
    if (!pirqs().bound.emplace(pirq.raw(), port).second) return Errno::exists;
    return {};
}

void unbind_pirq(Domain&, Pirq pirq) {
    pirqs().bound.erase(pirq.raw());
    ++pirqs().unbinds;
}

Status end_pirq(Domain&, Pirq) { return {}; }

namespace test {
FakePirqs& pirqs() {
    static FakePirqs state;
    return state;
}
}  // namespace test

}  // namespace hospes
