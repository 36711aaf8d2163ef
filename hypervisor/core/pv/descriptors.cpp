// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/descriptors.hpp"

#include "hypervisor/x86/segments.hpp"

namespace hospes {

bool validate_descriptor(u64& descriptor) {
    if ((descriptor & kDescriptorPresent) == 0) return true;
    if ((descriptor & kDescriptorCodeOrData) == 0) return false;  // gates, TSS, LDT
    descriptor |= kDescriptorDpl;
    return true;
}

bool validate_descriptor_page(u64* entries) {
    for (unsigned i = 0; i < kDescriptorsPerPage; ++i) {
        u64 copy = entries[i];
        if (!validate_descriptor(copy)) return false;
    }
    for (unsigned i = 0; i < kDescriptorsPerPage; ++i) {
        u64 copy = entries[i];
        if (validate_descriptor(copy) && copy != entries[i]) __atomic_store_n(&entries[i], copy, __ATOMIC_RELAXED);
    }
    return true;
}

}  // namespace hospes
