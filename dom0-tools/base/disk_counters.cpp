// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/disk_counters.hpp"

#include "dom0-tools/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace hospes {
namespace {

std::string path_of(std::string const& folder, DomId domain, std::uint32_t number) {
    return fmt::format("{}/{}-{}", folder, domain.raw(), number);
}

}  // namespace

Result<DiskCounters> DiskCounters::create(std::string const& folder, DomId domain, std::uint32_t number) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    auto const path = path_of(folder, domain, number);
    auto const file = HV_TRY(open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
    if (::ftruncate(file.get(), sizeof(Shared)) != 0) return fail_errno("give {} its size", path);
    void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) return fail_errno("map {}", path);
    return DiskCounters{path, static_cast<Shared*>(memory)};
}

DiskCounters::~DiskCounters() {
    if (shared_ == nullptr) return;
    ::munmap(shared_, sizeof(Shared));
    ::unlink(path_.c_str());
}

Result<DiskTotals> DiskCounters::read(std::string const& folder, DomId domain, std::uint32_t number) {
    auto const path = path_of(folder, domain, number);
    auto const content = HV_TRY(read_file(path, sizeof(Shared)));
    std::array<std::uint64_t, 4> values{};
    if (content.size() != sizeof(values)) return fail(EINVAL, "{} has {} bytes", path, content.size());
    std::memcpy(values.data(), content.data(), sizeof(values));
    return DiskTotals{.reads = values[0], .writes = values[1], .read_bytes = values[2], .written_bytes = values[3]};
}

}  // namespace hospes
