// SPDX-License-Identifier: Apache-2.0
// dom0's kernel as the core reads it: whatever the bytes, segments and notes lie within the file and the domain.
#include "hypervisor/core/domain/kernel_image.hpp"

#include <cstdlib>

using namespace hospes;

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, usize size) {
    char const* why = nullptr;
    auto const image = read_kernel_image({data, size}, why);
    if (!image.ok()) {
        if (why == nullptr) std::abort();
        return 0;
    }
    for (unsigned i = 0; i < image.value().segment_count; ++i) {
        KernelSegment const& segment = image.value().segments[i];
        if (segment.offset > size || segment.file_size > size - segment.offset || segment.file_size > segment.memory_size) std::abort();
        if (segment.address + segment.memory_size < segment.address || segment.address + segment.memory_size > image.value().end) std::abort();
    }
    return 0;
}
