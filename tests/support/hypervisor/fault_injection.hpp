// SPDX-License-Identifier: Apache-2.0
// Lets the core fail where it can fail for want of something: each allocation from the heap and each copy from or to guest memory is such a
// place. (The linker puts fault_injection.cpp between the core and its heap: HV_TEST_LINK in tests/build.mk.)
#pragma once

namespace hospes::test {

struct FaultInjection {
    int fail_at = 0;  // the n-th place from now on fails, and no other; 0: none
    bool has_failed = false;

    // The core is at such a place. True: it fails.
    bool strikes() {
        if (fail_at == 0 || --fail_at != 0) return false;
        has_failed = true;
        return true;
    }
};

FaultInjection& fault_injection();

}  // namespace hospes::test
