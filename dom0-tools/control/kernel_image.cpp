// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/kernel_image.hpp"

#include "dom0-tools/control/bzimage.hpp"
#include "dom0-tools/control/unpack.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

namespace hospes::control {
namespace {

Result<MappedMemory> unpack_bzimage(std::span<std::byte const> file) {
    auto const payload = HV_TRY(bzimage_payload(file));
    auto const compression = HV_TRY(detect_compression(payload));
    auto const size = HV_TRY(unpacked_size(payload));
    auto memory = HV_TRY(MappedMemory::anonymous(size));
    HV_TRY(unpack(compression, payload, memory.writable()));
    return memory;
}

Result<KernelImage> read_unpacked(MappedMemory memory) {
    auto elf = HV_TRY(read_elf(memory.bytes()));
    auto notes = HV_TRY(read_xen_notes(elf));
    return KernelImage{std::move(memory), std::move(elf), std::move(notes)};
}

std::unexpected<Error> no_kernel(std::span<std::byte const> file) {
    if (file.empty()) return fail(EINVAL, "the file is empty; it should be a Linux bzImage or an ELF kernel");
    return fail(EINVAL, "it is neither a Linux bzImage nor an ELF file, so it is no kernel that can be started");
}

Result<MappedMemory> unpack_or_find(std::string const& path, std::span<std::byte const> file, ImageCache const& cache) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return fail_errno("stat");
    if (auto kept = cache.find(status)) return *std::move(kept);
    auto unpacked = HV_TRY(unpack_bzimage(file));
    // Only a kernel that can be started is worth keeping.
    auto const elf = HV_TRY(read_elf(unpacked.bytes()));
    HV_TRY(read_xen_notes(elf));
    if (auto const kept = cache.keep(status, unpacked.bytes()); !kept) {
        spdlog::warn("the unpacked kernel of {} is not kept for the next start: {}", path, kept.error().message());
    }
    return unpacked;
}

Result<KernelImage> load(std::string const& path, MappedMemory file, ImageCache const& cache) {
    if (is_elf(file.bytes())) return read_unpacked(std::move(file));
    if (!is_bzimage(file.bytes())) return no_kernel(file.bytes());
    return read_unpacked(HV_TRY(unpack_or_find(path, file.bytes(), cache)));
}

}  // namespace

Result<KernelImage> load_kernel(std::string const& path, ImageCache const& cache) {
    auto file = HV_TRY(MappedMemory::of_file(path));
    return with_context(load(path, std::move(file), cache), "{}", path);
}

Result<KernelImage> read_kernel(std::span<std::byte const> file) {
    if (is_bzimage(file)) return read_unpacked(HV_TRY(unpack_bzimage(file)));
    if (!is_elf(file)) return no_kernel(file);
    auto copy = HV_TRY(MappedMemory::anonymous(file.size()));
    std::ranges::copy(file, copy.writable().begin());
    return read_unpacked(std::move(copy));
}

}  // namespace hospes::control
