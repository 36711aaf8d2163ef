// SPDX-License-Identifier: Apache-2.0
#include "decoders.hpp"

#include <lz4.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

namespace hospes::loader {
namespace {

Decoded decode_zstd(Bytes packed, Target target) {
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  if (context == nullptr) {
    return {0, "needs more memory"};
  }
  const size_t result = ZSTD_decompressDCtx(context, target.data(), target.size(), packed.data(), packed.size());
  ZSTD_freeDCtx(context);
  if (ZSTD_isError(result) != 0) {
    return {0, ZSTD_getErrorName(result)};
  }
  return {result};
}

Decoded decode_gzip(Bytes packed, Target target) {
  constexpr int kGzipWrapper = 16 + MAX_WBITS;
  z_stream stream{};
  stream.next_in = const_cast<unsigned char*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = target.data();
  stream.avail_out = static_cast<uInt>(target.size());
  if (inflateInit2(&stream, kGzipWrapper) != Z_OK) {
    return {0, "needs more memory"};
  }
  const int result = inflate(&stream, Z_FINISH);
  const uint64_t written = target.size() - stream.avail_out;
  inflateEnd(&stream);
  if (result != Z_STREAM_END) {
    return {0, result == Z_BUF_ERROR ? "cut off, or longer than its size field" : "damaged"};
  }
  return {written};
}

// The legacy frame of lz4: the magic, then blocks of a 32-bit packed size and that many bytes (lz4_Frame_format.md).
Decoded decode_lz4(Bytes packed, Target target) {
  constexpr uint64_t kMagicBytes = 4;
  constexpr uint64_t kSizeBytes = 4;
  constexpr uint64_t kBlockBytes = uint64_t{8} << 20;
  uint64_t read = kMagicBytes;
  uint64_t written = 0;
  while (read != packed.size()) {
    if (!lies_within(read, kSizeBytes, packed.size())) {
      return {0, "cut off inside a block's size"};
    }
    const uint64_t block = read_at<uint32_t>(packed, read);
    read += kSizeBytes;
    if (!lies_within(read, block, packed.size()) || block > uint64_t{LZ4_COMPRESSBOUND(kBlockBytes)}) {
      return {0, "cut off inside a block"};
    }
    const uint64_t room = target.size() - written < kBlockBytes ? target.size() - written : kBlockBytes;
    const int result = LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data() + read),
                                           reinterpret_cast<char*>(target.data() + written), static_cast<int>(block),
                                           static_cast<int>(room));
    if (result < 0) {
      return {0, "damaged"};
    }
    read += block;
    written += static_cast<uint64_t>(result);
  }
  return {written};
}

Decoded copy_plain(Bytes plain, Target target) {
  if (plain.size() > target.size()) {
    return {0, "longer than its size field"};
  }
  memcpy(target.data(), plain.data(), plain.size());
  return {plain.size()};
}

}  // namespace

Decoded decode(const Payload& payload, Target target, uint64_t memory) {
  switch (payload.compression) {
    case Compression::gzip:
      return decode_gzip(payload.packed, target);
    case Compression::xz:
      return decode_xz(payload.packed, target, memory);
    case Compression::zstd:
      return decode_zstd(payload.packed, target);
    case Compression::lz4:
      return decode_lz4(payload.packed, target);
    case Compression::none:
      break;
  }
  return copy_plain(payload.packed, target);
}

// Tables and states: all of them use the target as their dictionary.
uint64_t usual_memory(Compression compression) { return compression == Compression::none ? 4096 : uint64_t{1} << 20; }

}  // namespace hospes::loader
