// SPDX-License-Identifier: Apache-2.0
#include "elf_image.hpp"

namespace hospes::loader {
namespace {

constexpr uint64_t kHeaderBytes = 64;
constexpr uint64_t kProgramHeaderBytes = 56;
constexpr uint32_t kMagic = 0x464c457f;
constexpr unsigned char kClass64 = 2;
constexpr unsigned char kLittleEndian = 1;
constexpr uint16_t kTypeExecutable = 2;
constexpr uint16_t kMachineX86_64 = 62;
constexpr uint32_t kLoad = 1;
constexpr uint32_t kFlagX = 1;
constexpr uint32_t kFlagW = 2;
constexpr uint32_t kFlagR = 4;

Outcome<Done> check_header(std::string_view name, Bytes file) {
  if (file.size() < kHeaderBytes || read_at<uint32_t>(file, 0) != kMagic) {
    return problem(name, ": not an ELF file");
  }
  if (file[4] != kClass64 || file[5] != kLittleEndian) {
    return problem(name, ": not a 64-bit little-endian ELF file");
  }
  const uint64_t machine = read_at<uint16_t>(file, 18);
  if (machine != kMachineX86_64) {
    return problem(name, ": ELF machine ", machine, " is not x86-64 (62): use a kernel for amd64");
  }
  const uint64_t type = read_at<uint16_t>(file, 16);
  if (type != kTypeExecutable) {
    return problem(name, ": ELF type ", type, " is not an executable (2)");
  }
  if (read_at<uint16_t>(file, 54) != kProgramHeaderBytes) {
    return problem(name, ": ELF program headers are not ", kProgramHeaderBytes, " bytes each");
  }
  return Done{};
}

Segment segment_at(Bytes file, uint64_t header) {
  const uint32_t flags = read_at<uint32_t>(file, header + 4);
  return {.file_offset = read_at<uint64_t>(file, header + 8),
          .file_size = read_at<uint64_t>(file, header + 32),
          .virtual_address = read_at<uint64_t>(file, header + 16),
          .memory_size = read_at<uint64_t>(file, header + 40),
          .readable = (flags & kFlagR) != 0,
          .writable = (flags & kFlagW) != 0,
          .executable = (flags & kFlagX) != 0};
}

}  // namespace

Outcome<ElfImage> read_elf(std::string_view name, Bytes file) {
  const Outcome<Done> header = check_header(name, file);
  if (!header.ok()) {
    return header.why();
  }
  const uint64_t table = read_at<uint64_t>(file, 32);
  const uint64_t count = read_at<uint16_t>(file, 56);
  if (!lies_within(table, count * kProgramHeaderBytes, file.size())) {
    return problem(name, ": cut off: its ELF program headers lie outside the file");
  }
  ElfImage image;
  image.entry = read_at<uint64_t>(file, 24);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = table + i * kProgramHeaderBytes;
    if (read_at<uint32_t>(file, at) != kLoad) {
      continue;
    }
    const Segment segment = segment_at(file, at);
    if (!lies_within(segment.file_offset, segment.file_size, file.size())) {
      return problem(name, ": cut off: ELF segment ", i, " ends outside the file of ", uint64_t{file.size()}, " bytes");
    }
    if (segment.file_size > segment.memory_size) {
      return problem(name, ": damaged: ELF segment ", i, " is larger in the file than in memory");
    }
    if (image.segment_count == ElfImage::kMaxSegments) {
      return problem(name, ": more than ", uint64_t{ElfImage::kMaxSegments}, " ELF segments to load");
    }
    image.segments[image.segment_count++] = segment;
  }
  if (image.segment_count == 0) {
    return problem(name, ": no ELF segment to load");
  }
  return image;
}

}  // namespace hospes::loader
