// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/fault_injection.hpp"

#include "hypervisor/core/mm/heap.hpp"

namespace hospes {

// `ld --wrap=SYMBOL` leads calls of SYMBOL from other files to __wrap_SYMBOL, and __real_SYMBOL to what was called before.
Result<Mfn> heap_alloc(Heap& heap, unsigned order, unsigned address_bits) asm("__real__ZN6hospes4Heap5allocEjj");
Result<Mfn> failing_heap_alloc(Heap& heap, unsigned order, unsigned address_bits) asm("__wrap__ZN6hospes4Heap5allocEjj");

Result<Mfn> failing_heap_alloc(Heap& heap, unsigned order, unsigned address_bits) {
    if (test::fault_injection().strikes()) return Errno::no_memory;
    return heap_alloc(heap, order, address_bits);
}

namespace test {
FaultInjection& fault_injection() {
    static FaultInjection state;
    return state;
}
}  // namespace test

}  // namespace hospes
