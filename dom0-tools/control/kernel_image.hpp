// SPDX-License-Identifier: Apache-2.0
// A kernel file, ready to be loaded into a domain.
#pragma once

#include "dom0-tools/control/elf_image.hpp"
#include "dom0-tools/control/image_cache.hpp"
#include "dom0-tools/control/mapped_file.hpp"
#include "dom0-tools/control/xen_notes.hpp"

#include <string>

namespace hospes::control {

struct KernelImage {
    MappedMemory memory;  ///< what `elf` points into
    ElfImage elf;
    XenNotes notes;
};

/// Reads a bzImage or an ELF file. A bzImage's kernel is unpacked, or taken from `cache` where it was before.
/// Errors begin with the path: no such file, no kernel at all, cut off, damaged, not for paravirtualized domains.
Result<KernelImage> load_kernel(std::string const& path, ImageCache const& cache);

/// The same for bytes in memory, without a cache.
Result<KernelImage> read_kernel(std::span<std::byte const> file);

}  // namespace hospes::control
