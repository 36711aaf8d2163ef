// SPDX-License-Identifier: Apache-2.0
// The ELF notes by which a kernel says how it wants to be started as a paravirtualized domain. Source: xen/elfnote.h.
#pragma once

#include "dom0-tools/control/elf_image.hpp"

#include <optional>
#include <string>

namespace hospes::control {

struct XenNotes {
    std::string guest_os;
    std::uint64_t entry = 0;         ///< vaddr of the first instruction
    std::uint64_t virt_base = 0;     ///< vaddr of pfn 0
    std::uint64_t paddr_offset = 0;  ///< paddr of pfn 0
    std::optional<std::uint64_t> p2m_base;        ///< vaddr the p2m list shall have; absent: behind the kernel
    std::optional<std::uint64_t> hypercall_page;  ///< vaddr of a page to fill with hypercall stubs
    bool ramdisk_by_pfn = false;                  ///< the ramdisk may stay unmapped
};

/// EINVAL says what a domain's kernel lacks: Xen notes at all, an entry for paravirtualized domains, a known ABI.
Result<XenNotes> read_xen_notes(ElfImage const& image);

}  // namespace hospes::control
