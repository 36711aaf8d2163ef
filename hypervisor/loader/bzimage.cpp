// SPDX-License-Identifier: Apache-2.0
#include "bzimage.hpp"

namespace hospes::loader {
namespace {

// Offsets of the setup header.
constexpr uint64_t kSetupSectors = 0x1f1;
constexpr uint64_t kBootFlag = 0x1fe;
constexpr uint64_t kHeaderMagic = 0x202;
constexpr uint64_t kProtocolVersion = 0x206;
constexpr uint64_t kPayloadOffset = 0x248;
constexpr uint64_t kPayloadLength = 0x24c;
constexpr uint64_t kHeaderEnd = 0x250;

constexpr uint16_t kBootFlagValue = 0xaa55;
constexpr uint32_t kHdrS = 0x53726448;
constexpr uint16_t kFirstWithPayload = 0x208;
constexpr uint64_t kSector = 512;
constexpr uint32_t kElfMagic = 0x464c457f;

// Linux ends every payload with its unpacked size: its build appends it, and gzip's own trailer ends with the same number.
constexpr uint64_t kSizeField = 4;

constexpr uint32_t kLz4LegacyMagic = 0x184c2102;
constexpr uint32_t kZstdMagic = 0xfd2fb528;
constexpr uint32_t kXzMagic = 0x587a37fd;
constexpr uint32_t kGzipMagic = 0x00088b1f;  // third byte: deflate

Outcome<Compression> compression_of(std::string_view name, uint32_t magic) {
  switch (magic) {
    case kLz4LegacyMagic:
      return Compression::lz4;
    case kZstdMagic:
      return Compression::zstd;
    case kXzMagic:
      return Compression::xz;
    case kElfMagic:
      return Compression::none;
    default:
      break;
  }
  if ((magic & 0x00ffffff) == kGzipMagic) {
    return Compression::gzip;
  }
  return problem(name, ": the kernel inside starts with ", Hex{magic},
                 ", which is none of gzip, xz, zstd, lz4 or ELF: use a kernel packed with one of these");
}

Outcome<Payload> payload_of_bzimage(std::string_view name, Bytes file) {
  const uint16_t version = read_at<uint16_t>(file, kProtocolVersion);
  if (version < kFirstWithPayload) {
    return problem(name, ": Linux boot protocol ", uint64_t{version} >> 8, ".", uint64_t{version} & 0xff,
                   " is too old: 2.08 or later is needed (Linux 2.6.26)");
  }
  const uint64_t setup_sectors = file[kSetupSectors] == 0 ? 4 : file[kSetupSectors];
  const uint64_t start = (setup_sectors + 1) * kSector + read_at<uint32_t>(file, kPayloadOffset);
  const uint64_t length = read_at<uint32_t>(file, kPayloadLength);
  if (!lies_within(start, length, file.size())) {
    return problem(name, ": cut off: its header puts the compressed kernel at bytes ", start, " to ", start + length,
                   ", the file has ", uint64_t{file.size()}, ": copy it again");
  }
  if (length <= 2 * kSizeField) {
    return problem(name, ": damaged header: a compressed kernel of ", length, " bytes");
  }
  const Bytes payload = file.subspan(start, length);
  const Outcome<Compression> compression = compression_of(name, read_at<uint32_t>(payload, 0));
  if (!compression.ok()) {
    return compression.why();
  }
  if (compression.value() == Compression::none) {
    return Payload{Compression::none, payload, length};
  }
  const uint64_t unpacked = read_at<uint32_t>(payload, length - kSizeField);
  if (unpacked == 0 || unpacked > kMaxUnpackedKernel) {
    return problem(name, ": damaged: an unpacked size of ", unpacked, " bytes (at most ", kMaxUnpackedKernel, ")");
  }
  const bool own_trailer = compression.value() == Compression::gzip;
  return Payload{compression.value(), own_trailer ? payload : payload.first(length - kSizeField), unpacked};
}

}  // namespace

std::string_view name_of(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "plain ELF";
    case Compression::gzip:
      return "gzip";
    case Compression::xz:
      return "xz";
    case Compression::zstd:
      return "zstd";
    case Compression::lz4:
      return "lz4";
  }
  return "?";
}

Outcome<Payload> find_payload(std::string_view name, Bytes file) {
  if (file.size() >= 4 && read_at<uint32_t>(file, 0) == kElfMagic) {
    return Payload{Compression::none, file, file.size()};
  }
  if (file.size() < kHeaderEnd || read_at<uint16_t>(file, kBootFlag) != kBootFlagValue ||
      read_at<uint32_t>(file, kHeaderMagic) != kHdrS) {
    return problem(name, ": not a Linux kernel: neither a bzImage (no 'HdrS' at byte 514) nor an ELF file");
  }
  return payload_of_bzimage(name, file);
}

}  // namespace hospes::loader
