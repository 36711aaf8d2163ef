// SPDX-License-Identifier: Apache-2.0
// Kernel files as the loader reads them: whatever the bytes, payload and segments lie within the file.
#include "hypervisor/loader/bzimage.hpp"
#include "hypervisor/loader/elf_image.hpp"

#include <cstdlib>

using namespace hospes::loader;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, size_t size) {
    Bytes const file{data, size};
    if (Outcome<Payload> const payload = find_payload("file", file); payload.ok()) {
        Bytes const packed = payload.value().packed;
        if (packed.data() < data || packed.data() + packed.size() > data + size || payload.value().unpacked_size > kMaxUnpackedKernel + size) std::abort();
    }
    if (Outcome<ElfImage> const image = read_elf("file", file); image.ok()) {
        for (Segment const& segment : image.value().loads())
            if (!lies_within(segment.file_offset, segment.file_size, size) || segment.file_size > segment.memory_size) std::abort();
    }
    return 0;
}
