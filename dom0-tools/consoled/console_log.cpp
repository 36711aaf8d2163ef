// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/console_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

namespace hospes::consoled {
namespace {

std::string safe_file_name(std::string name) {
    for (char& c : name)
        if (c == '/' || static_cast<unsigned char>(c) < ' ') c = '_';
    if (name.empty() || name.front() == '.') return fmt::format("_{}", name);
    return name;
}

std::string marker_of(DomId domain, std::string const& name) {
    return fmt::format("--- console of domain {} ({}) ", domain.raw(), safe_file_name(name));
}

}  // namespace

Result<ConsoleLog> ConsoleLog::open(std::string const& directory, std::string const& name) {
    std::error_code problem;
    std::filesystem::create_directories(directory, problem);
    if (problem) return fail(problem.value(), "create directory {}: {}", directory, problem.message());
    ConsoleLog log;
    log.path_ = fmt::format("{}/{}.log", directory, safe_file_name(name));
    HV_TRY(log.open_file_again());
    return log;
}

Status ConsoleLog::open_file_again() {
    fd_ = HV_TRY(open_file(path_, O_RDWR | O_CREAT | O_APPEND, 0640));
    struct stat info {};
    if (::fstat(fd_.get(), &info) < 0) return fail_errno("look at {}", path_);
    size_ = static_cast<std::uint64_t>(info.st_size);
    return {};
}

Status ConsoleLog::begin_domain(DomId domain, std::string const& name) {
    std::time_t const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char date[32];
    std::strftime(date, sizeof date, "%F %T UTC", &parts);
    auto const line = fmt::format("{}{} ---\n", marker_of(domain, name), date);
    return append(std::as_bytes(std::span{line}));
}

Status ConsoleLog::append(std::span<std::byte const> bytes) {
    if (size_ + bytes.size() > kLimit) {
        if (::rename(path_.c_str(), (path_ + ".1").c_str()) < 0) return fail_errno("rename {} to {}.1", path_, path_);
        HV_TRY(open_file_again());
    }
    size_ += bytes.size();
    return write_all(fd_.get(), bytes, path_);
}

Result<std::vector<std::byte>> ConsoleLog::tail(DomId domain, std::string const& name, std::size_t limit) const {
    std::size_t const count = std::min<std::size_t>(size_, limit);
    std::vector<std::byte> bytes(count);
    auto const got = ::pread(fd_.get(), bytes.data(), count, static_cast<off_t>(size_ - count));
    if (got < 0) return fail_errno("read {}", path_);
    bytes.resize(static_cast<std::size_t>(got));
    auto const marker = marker_of(domain, name);
    auto const sought = std::as_bytes(std::span{marker});
    auto const found = std::find_end(bytes.begin(), bytes.end(), sought.begin(), sought.end());
    if (found == bytes.end()) return bytes;
    auto const line_end = std::find(found, bytes.end(), std::byte{'\n'});
    bytes.erase(bytes.begin(), line_end == bytes.end() ? line_end : line_end + 1);
    return bytes;
}

}  // namespace hospes::consoled
