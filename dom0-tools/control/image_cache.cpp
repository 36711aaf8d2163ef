// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/image_cache.hpp"

#include "dom0-tools/control/byte_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace hospes::control {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kKept = 4;
constexpr std::size_t kBlock = 4096;

// Blocks of zeroes become holes: kernels have many.
Status write_sparse(int fd, std::span<std::byte const> content) {
    if (::ftruncate(fd, static_cast<off_t>(content.size())) != 0) return fail_errno("set the size of the kept kernel");
    for (std::size_t at = 0; at < content.size();) {
        auto end = at;
        while (end < content.size() && !is_zero(content.subspan(end, std::min(kBlock, content.size() - end)))) {
            end = std::min(end + kBlock, content.size());
        }
        while (at < end) {
            auto const written = ::pwrite(fd, content.data() + at, end - at, static_cast<off_t>(at));
            if (written < 0 && errno != EINTR) return fail_errno("write the kept kernel");
            if (written > 0) at += static_cast<std::size_t>(written);
        }
        at = std::min(at + kBlock, content.size());
    }
    return {};
}

}  // namespace

std::string ImageCache::path_of(struct stat const& file) const {
    return fmt::format("{}/{}-{}-{}.{:09}-{}.elf", folder_, file.st_dev, file.st_ino, file.st_ctim.tv_sec,
                       file.st_ctim.tv_nsec, file.st_size);
}

std::optional<MappedMemory> ImageCache::find(struct stat const& file) const {
    if (folder_.empty()) return std::nullopt;
    auto mapped = MappedMemory::of_file(path_of(file));
    if (!mapped || mapped->bytes().empty()) return std::nullopt;
    return *std::move(mapped);
}

Status ImageCache::keep(struct stat const& file, std::span<std::byte const> unpacked) const {
    if (folder_.empty()) return {};
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return fail(error.value(), "make the folder {}: {}", folder_, error.message());
    drop_oldest();
    // A file without a name until it is whole.
    auto const unnamed = HV_TRY(open_file(folder_, O_TMPFILE | O_RDWR, 0600));
    HV_TRY(write_sparse(unnamed.get(), unpacked));
    auto const source = fmt::format("/proc/self/fd/{}", unnamed.get());
    auto const target = path_of(file);
    if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST) return {};
    return fail_errno("keep the unpacked kernel as {}", target);
}

void ImageCache::drop_oldest() const {
    std::error_code error;
    std::vector<fs::directory_entry> kept;
    for (auto const& entry : fs::directory_iterator{folder_, error}) kept.push_back(entry);
    std::ranges::sort(kept, std::ranges::greater{}, [&](auto const& entry) { return entry.last_write_time(error); });
    for (std::size_t i = kKept - 1; i < kept.size(); ++i) fs::remove(kept[i], error);
}

}  // namespace hospes::control
