// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/xen_notes.hpp"

#include "dom0-tools/control/byte_reader.hpp"
#include "hypervisor/abi/xen.hpp"

#include <elf.h>

#include <cstring>
#include <map>
#include <string_view>

namespace hospes::control {
namespace {

constexpr std::uint64_t kHypervisorStart = 0xffff800000000000;

using Notes = std::map<std::uint32_t, std::span<std::byte const>>;

std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// The notes owned by "Xen" by their type. A segment that ends inside a note is cut off there: what came before counts.
void collect(std::span<std::byte const> segment, Notes& notes) {
    for (std::size_t at = 0;;) {
        auto const header = read_at<Elf64_Nhdr>(segment, at);
        if (!header) return;
        auto const name = slice(segment, at + sizeof(*header), header->n_namesz);
        if (!name) return;
        auto const content_at = at + sizeof(*header) + aligned(header->n_namesz);
        auto const content = slice(segment, content_at, header->n_descsz);
        if (!content) return;
        if (name->size() == 4 && std::memcmp(name->data(), "Xen", 4) == 0) notes.emplace(header->n_type, *content);
        at = content_at + aligned(header->n_descsz);
    }
}

std::optional<std::uint64_t> number(Notes const& notes, std::uint32_t type) {
    auto const note = notes.find(type);
    if (note == notes.end()) return std::nullopt;
    if (note->second.size() == 8) return read_at<std::uint64_t>(note->second, 0);
    if (note->second.size() == 4) return read_at<std::uint32_t>(note->second, 0);
    return std::nullopt;
}

std::string text(Notes const& notes, std::uint32_t type) {
    auto const note = notes.find(type);
    if (note == notes.end()) return {};
    std::string const all{reinterpret_cast<char const*>(note->second.data()), note->second.size()};
    return all.c_str();  // up to the first zero
}

Status check_supported(Notes const& notes) {
    if (notes.empty()) {
        return fail(EINVAL, "the kernel has no Xen notes: it was built without CONFIG_XEN_PV and cannot be a domain's kernel");
    }
    if (!number(notes, XEN_ELFNOTE_ENTRY)) {
        return fail(EINVAL, "the kernel has no entry for paravirtualized domains (built without CONFIG_XEN_PV)");
    }
    auto const version = text(notes, XEN_ELFNOTE_XEN_VERSION);
    if (!version.empty() && version != "xen-3.0") {
        return fail(EINVAL, "the kernel wants the interface '{}'; 'xen-3.0' is what is offered", version.substr(0, 40));
    }
    auto const lowest = number(notes, XEN_ELFNOTE_HV_START_LOW).value_or(kHypervisorStart);
    if (lowest > kHypervisorStart) {
        return fail(EINVAL, "the kernel wants the hypervisor above {:#x}; it is at {:#x}", lowest, kHypervisorStart);
    }
    return {};
}

}  // namespace

Result<XenNotes> read_xen_notes(ElfImage const& image) {
    Notes notes;
    for (auto const segment : image.notes) collect(segment, notes);
    HV_TRY(check_supported(notes));
    return XenNotes{
        .guest_os = text(notes, XEN_ELFNOTE_GUEST_OS),
        .entry = *number(notes, XEN_ELFNOTE_ENTRY),
        .virt_base = number(notes, XEN_ELFNOTE_VIRT_BASE).value_or(0),
        .paddr_offset = number(notes, XEN_ELFNOTE_PADDR_OFFSET).value_or(0),
        .p2m_base = number(notes, XEN_ELFNOTE_INIT_P2M),
        .hypercall_page = number(notes, XEN_ELFNOTE_HYPERCALL_PAGE),
        .ramdisk_by_pfn = number(notes, XEN_ELFNOTE_MOD_START_PFN).value_or(0) != 0,
    };
}

}  // namespace hospes::control
