// SPDX-License-Identifier: Apache-2.0
//
// xz: liblzma reads the headers and checks the CRC32. A stream of the one shape that Linux's build makes (one block,
// LZMA2, perhaps the x86 filter before it) is decoded straight into the target; liblzma does all others.
#include <lzma.h>

#include "decoders.hpp"
#include "lzma2.hpp"
#include "x86_bcj.hpp"

namespace hospes::loader {
namespace {

// liblzma's own bookkeeping beside what its memory limit counts.
constexpr uint64_t kLimitSlack = 1 << 20;

// The filters of a block header; liblzma allocates their options.
class Filters {
 public:
  Filters() {
    for (lzma_filter& filter : chain_) {
      filter = {LZMA_VLI_UNKNOWN, nullptr};
    }
  }
  Filters(const Filters&) = delete;
  Filters& operator=(const Filters&) = delete;
  ~Filters() { lzma_filters_free(chain_, nullptr); }

  [[nodiscard]] lzma_filter* chain() { return chain_; }
  [[nodiscard]] bool has_x86() const { return chain_[0].id == LZMA_FILTER_X86; }

  [[nodiscard]] bool is_linux_shape() const {
    const size_t last = has_x86() ? 1 : 0;
    const auto* bcj = has_x86() ? static_cast<const lzma_options_bcj*>(chain_[0].options) : nullptr;
    return (bcj == nullptr || bcj->start_offset == 0) && chain_[last].id == LZMA_FILTER_LZMA2 &&
           chain_[last + 1].id == LZMA_VLI_UNKNOWN;
  }

  [[nodiscard]] uint32_t dictionary() const {
    return static_cast<const lzma_options_lzma*>(chain_[has_x86() ? 1 : 0].options)->dict_size;
  }

 private:
  lzma_filter chain_[LZMA_FILTERS_MAX + 1];
};

// Whether the stream's only block ends at `at`: its check, then the index (which starts with a zero byte) follow.
bool check_matches(Bytes packed, uint64_t at, lzma_check check, Bytes unpacked) {
  const uint64_t padded = (at + 3) & ~uint64_t{3};
  if (!lies_within(padded, lzma_check_size(check) + 1, packed.size())) {
    return false;
  }
  if (check == LZMA_CHECK_CRC32 && read_at<uint32_t>(packed, padded) != lzma_crc32(unpacked.data(), unpacked.size(), 0)) {
    return false;
  }
  return packed[padded + lzma_check_size(check)] == 0;
}

// False when liblzma has to do it: another shape, or damage, which liblzma names best.
bool decode_linux_shape(Bytes packed, lzma_check check, Target target, Decoded& decoded) {
  lzma_block block{};
  Filters filters;
  const uint64_t start = LZMA_STREAM_HEADER_SIZE;
  if (!lies_within(start, LZMA_BLOCK_HEADER_SIZE_MAX, packed.size()) || packed[start] == 0) {
    return false;
  }
  block.header_size = lzma_block_header_size_decode(packed[start]);
  block.check = check;
  block.filters = filters.chain();
  if (lzma_block_header_decode(&block, nullptr, packed.data() + start) != LZMA_OK || !filters.is_linux_shape()) {
    return false;
  }
  const uint64_t data = start + block.header_size;
  const Lzma2Result result = decode_lzma2(packed.subspan(data), target, filters.dictionary());
  if (!result.good) {
    return false;
  }
  const Target unpacked = target.first(result.written);
  if (filters.has_x86()) {
    undo_x86_bcj(unpacked);
  }
  if (!check_matches(packed, data + result.read, check, unpacked)) {
    return false;
  }
  decoded = {result.written};
  return true;
}

Decoded decode_with_liblzma(Bytes packed, Target target, uint64_t memory) {
  uint64_t limit = memory > kLimitSlack ? memory - kLimitSlack : 1;
  size_t read = 0;
  size_t written = 0;
  const lzma_ret result = lzma_stream_buffer_decode(&limit, 0, nullptr, packed.data(), &read, packed.size(),
                                                    target.data(), &written, target.size());
  switch (result) {
    case LZMA_OK:
      return {written};
    case LZMA_MEMLIMIT_ERROR:
      return {0, "needs more memory", limit + kLimitSlack};
    case LZMA_MEM_ERROR:
      return {0, "needs more memory"};
    case LZMA_OPTIONS_ERROR:
      return {0, "an unknown filter"};
    case LZMA_BUF_ERROR:
      return {0, "cut off, or longer than its size field"};
    default:
      return {0, "damaged"};
  }
}

}  // namespace

Decoded decode_xz(Bytes packed, Target target, uint64_t memory) {
  lzma_stream_flags flags{};
  if (packed.size() < LZMA_STREAM_HEADER_SIZE || lzma_stream_header_decode(&flags, packed.data()) != LZMA_OK) {
    return {0, "damaged header"};
  }
  // liblzma's CRC64 wants a constructor to run first, which nobody does here. Linux's own unpacker takes no other either.
  if (flags.check != LZMA_CHECK_NONE && flags.check != LZMA_CHECK_CRC32) {
    return {0, "its integrity check is not CRC32"};
  }
  Decoded decoded;
  if (decode_linux_shape(packed, flags.check, target, decoded)) {
    return decoded;
  }
  return decode_with_liblzma(packed, target, memory);
}

}  // namespace hospes::loader
