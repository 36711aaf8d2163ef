// SPDX-License-Identifier: Apache-2.0
// Kernel files as hospesd reads them for a domain: whatever the bytes, what it takes lies within the file, or within what the file unpacks
// to.
#include "dom0-tools/control/kernel_image.hpp"

#include <cstdlib>

using namespace hospes;
using namespace hospes::control;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

bool lies_within(std::span<std::byte const> part, std::span<std::byte const> whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check(KernelImage const& kernel) {
    auto const whole = kernel.memory.bytes();
    demand(!kernel.elf.segments.empty());
    for (auto const& segment : kernel.elf.segments) {
        demand(lies_within(segment.content, whole));
        demand(segment.content.size() <= segment.memory_size);
    }
    for (auto const note : kernel.elf.notes) demand(lies_within(note, whole));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    auto const kernel = read_kernel({reinterpret_cast<std::byte const*>(data), size});
    if (kernel) check(*kernel);
    if (!kernel) demand(!kernel.error().message().empty());
    return 0;
}
