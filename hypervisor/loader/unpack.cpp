// SPDX-License-Identifier: Apache-2.0
#include "unpack.hpp"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <string.h>
#include <zstd.h>

#include "decoder_shim.hpp"

namespace hospes::loader {
namespace {

// What a decoder says: how much it wrote, or why it stopped.
struct Decoded {
  uint64_t bytes = 0;
  const char* failure = nullptr;  // nullptr: none
  uint64_t memory_needed = 0;     // with `failure`: would do with an arena of this size
};

struct Target {
  unsigned char* data;
  uint64_t size;
};

constexpr uint64_t kArenaSlack = 1 << 20;

const char* text_of(lzma_ret result) {
  switch (result) {
    case LZMA_MEM_ERROR:
    case LZMA_MEMLIMIT_ERROR:
      return "needs more memory";
    case LZMA_OPTIONS_ERROR:
      return "an unknown xz filter";
    case LZMA_BUF_ERROR:
      return "cut off, or longer than its size field";
    default:
      return "damaged";
  }
}

// Linux's own unpacker knows CRC32 only; liblzma's CRC64 wants a constructor to run first, which nobody does here.
bool has_plain_check(Bytes packed) {
  lzma_stream_flags flags{};
  return packed.size() >= LZMA_STREAM_HEADER_SIZE && lzma_stream_header_decode(&flags, packed.data()) == LZMA_OK &&
         (flags.check == LZMA_CHECK_NONE || flags.check == LZMA_CHECK_CRC32);
}

Decoded decode_xz(Bytes packed, Target target, uint64_t arena_bytes) {
  if (!has_plain_check(packed)) {
    return {0, "its integrity check is not CRC32"};
  }
  uint64_t limit = arena_bytes - kArenaSlack;
  size_t read = 0;
  size_t written = 0;
  const lzma_ret result = lzma_stream_buffer_decode(&limit, 0, nullptr, packed.data(), &read, packed.size(), target.data,
                                                    &written, target.size);
  if (result == LZMA_MEMLIMIT_ERROR) {
    return {0, text_of(result), limit + kArenaSlack};
  }
  if (result != LZMA_OK) {
    return {0, text_of(result)};
  }
  return {written};
}

Decoded decode_zstd(Bytes packed, Target target) {
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  if (context == nullptr) {
    return {0, "needs more memory"};
  }
  const size_t result = ZSTD_decompressDCtx(context, target.data, target.size, packed.data(), packed.size());
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
  stream.next_out = target.data;
  stream.avail_out = static_cast<uInt>(target.size);
  if (inflateInit2(&stream, kGzipWrapper) != Z_OK) {
    return {0, "needs more memory"};
  }
  const int result = inflate(&stream, Z_FINISH);
  const uint64_t written = target.size - stream.avail_out;
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
    const uint64_t room = target.size - written < kBlockBytes ? target.size - written : kBlockBytes;
    const int result = LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data() + read),
                                           reinterpret_cast<char*>(target.data + written), static_cast<int>(block),
                                           static_cast<int>(room));
    if (result < 0) {
      return {0, "damaged"};
    }
    read += block;
    written += static_cast<uint64_t>(result);
  }
  return {written};
}

Decoded decode(const Payload& payload, Target target, uint64_t arena_bytes) {
  switch (payload.compression) {
    case Compression::gzip:
      return decode_gzip(payload.packed, target);
    case Compression::xz:
      return decode_xz(payload.packed, target, arena_bytes);
    case Compression::zstd:
      return decode_zstd(payload.packed, target);
    case Compression::lz4:
      return decode_lz4(payload.packed, target);
    case Compression::none:
      break;
  }
  memcpy(target.data, payload.packed.data(), payload.packed.size());
  return {payload.packed.size()};
}

// xz keeps a copy of its dictionary: Linux asks for 32 MiB. The others get by with tables.
uint64_t usual_arena(Compression compression) {
  return (compression == Compression::xz ? uint64_t{36} << 20 : uint64_t{1} << 20) + kArenaSlack;
}

Outcome<Decoded> decode_in_arena(const Efi& efi, const Payload& payload, Target target, uint64_t arena_bytes) {
  const Outcome<Pages> arena = Pages::allocate(efi, "unpacking the kernel", arena_bytes);
  if (!arena.ok()) {
    return arena.why();
  }
  const DecoderEnvironment environment(efi, arena.value());
  return decode(payload, target, arena_bytes);
}

}  // namespace

Outcome<Pages> unpack(const Efi& efi, std::string_view name, const Payload& payload) {
  Outcome<Pages> image = Pages::allocate(efi, "the unpacked kernel", payload.unpacked_size);
  if (!image.ok()) {
    return image.why();
  }
  const Target target{image.value().data(), payload.unpacked_size};
  Outcome<Decoded> decoded = decode_in_arena(efi, payload, target, usual_arena(payload.compression));
  if (decoded.ok() && decoded.value().memory_needed != 0) {
    decoded = decode_in_arena(efi, payload, target, decoded.value().memory_needed);
  }
  if (!decoded.ok()) {
    return decoded.why();
  }
  const Decoded& result = decoded.value();
  if (result.failure != nullptr) {
    return problem(name, ": its ", name_of(payload.compression), " data cannot be unpacked (", result.failure,
                   "): copy the kernel again");
  }
  if (result.bytes != payload.unpacked_size) {
    return problem(name, ": damaged: its ", name_of(payload.compression), " data unpack to ", result.bytes,
                   " bytes, its size field says ", payload.unpacked_size);
  }
  return image;
}

}  // namespace hospes::loader
