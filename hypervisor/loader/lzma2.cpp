// SPDX-License-Identifier: Apache-2.0
#include "lzma2.hpp"

#include <stdlib.h>
#include <string.h>

extern "C" {
#include <lzma/LzmaDec.h>
// Not in the header: the SDK's own LZMA2 decoder declares it the same way.
void LzmaDec_InitDicAndState(CLzmaDec* decoder, Bool init_dictionary, Bool init_state);
}

namespace hospes::loader {
namespace {

// Control bytes: 0 ends the stream; 1 and 2 start plain bytes; from 0x80 on LZMA, with how much is reset in bits 5 and 6.
constexpr unsigned kEnd = 0;
constexpr unsigned kPlainResetDictionary = 1;
constexpr unsigned kPlain = 2;
constexpr unsigned kFirstLzma = 0x80;
constexpr unsigned kResetState = 1;
constexpr unsigned kResetStateNewProperties = 2;
constexpr unsigned kResetAll = 3;

constexpr unsigned kMaxLcPlusLp = 4;

void* allocate(void*, size_t bytes) { return malloc(bytes); }
void release(void*, void* block) { free(block); }

class Decoder {
 public:
  Decoder(Bytes packed, std::span<unsigned char> target) : packed_(packed), target_(target) {
    LzmaDec_Construct(&lzma_);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { LzmaDec_FreeProbs(&lzma_, &allocator_); }

  bool start(uint32_t dictionary);
  bool run();

  [[nodiscard]] uint64_t read() const { return at_; }
  [[nodiscard]] uint64_t written() const { return lzma_.dicPos; }

 private:
  bool plain_chunk(bool reset_dictionary);
  bool lzma_chunk(unsigned control);
  bool take_properties();

  [[nodiscard]] bool has(uint64_t bytes) const { return lies_within(at_, bytes, packed_.size()); }
  [[nodiscard]] bool fits(uint64_t bytes) const { return lies_within(lzma_.dicPos, bytes, target_.size()); }
  // A 16-bit big-endian size field, which holds the size less one.
  uint64_t take_size() {
    const uint64_t size = (uint64_t{packed_[at_]} << 8 | packed_[at_ + 1]) + 1;
    at_ += 2;
    return size;
  }

  Bytes packed_;
  std::span<unsigned char> target_;
  uint64_t at_ = 0;
  CLzmaDec lzma_;
  ISzAlloc allocator_{allocate, release};
  bool need_dictionary_ = true;
  bool need_properties_ = true;
  bool need_state_ = true;
};

bool Decoder::start(uint32_t dictionary) {
  // Room for the most that LZMA2 allows; each chunk says what it really uses.
  unsigned char properties[LZMA_PROPS_SIZE] = {kMaxLcPlusLp};
  for (unsigned i = 0; i < 4; ++i) {
    properties[1 + i] = static_cast<unsigned char>(dictionary >> (8 * i));
  }
  if (LzmaDec_AllocateProbs(&lzma_, properties, LZMA_PROPS_SIZE, &allocator_) != SZ_OK) {
    return false;
  }
  lzma_.dic = target_.data();
  lzma_.dicBufSize = target_.size();
  LzmaDec_Init(&lzma_);
  return true;
}

bool Decoder::plain_chunk(bool reset_dictionary) {
  if (!has(2)) {
    return false;
  }
  const uint64_t size = take_size();
  if (!has(size) || !fits(size) || (need_dictionary_ && !reset_dictionary)) {
    return false;
  }
  need_dictionary_ = false;
  LzmaDec_InitDicAndState(&lzma_, reset_dictionary ? 1 : 0, 0);
  memcpy(lzma_.dic + lzma_.dicPos, packed_.data() + at_, size);
  at_ += size;
  lzma_.dicPos += size;
  lzma_.processedPos += static_cast<UInt32>(size);
  if (lzma_.checkDicSize == 0 && lzma_.processedPos >= lzma_.prop.dicSize) {
    lzma_.checkDicSize = lzma_.prop.dicSize;
  }
  return true;
}

bool Decoder::take_properties() {
  if (!has(1)) {
    return false;
  }
  const unsigned byte = packed_[at_++];
  lzma_.prop.lc = byte % 9;
  lzma_.prop.lp = byte / 9 % 5;
  lzma_.prop.pb = byte / 45;
  need_properties_ = false;
  return lzma_.prop.lc + lzma_.prop.lp <= kMaxLcPlusLp && lzma_.prop.pb <= 4;
}

bool Decoder::lzma_chunk(unsigned control) {
  if (!has(4)) {
    return false;
  }
  const unsigned reset = control >> 5 & 3;
  const uint64_t unpacked = (uint64_t{control & 0x1f} << 16) + take_size();
  const uint64_t packed = take_size();
  if (reset >= kResetStateNewProperties && !take_properties()) {
    return false;
  }
  need_dictionary_ = need_dictionary_ && reset != kResetAll;
  need_state_ = need_state_ && reset < kResetState;
  if (need_dictionary_ || need_properties_ || need_state_ || !has(packed) || !fits(unpacked)) {
    return false;
  }
  LzmaDec_InitDicAndState(&lzma_, reset == kResetAll ? 1 : 0, reset >= kResetState ? 1 : 0);
  const uint64_t limit = lzma_.dicPos + unpacked;
  SizeT taken = packed;
  ELzmaStatus status = LZMA_STATUS_NOT_SPECIFIED;
  const SRes result = LzmaDec_DecodeToDic(&lzma_, limit, packed_.data() + at_, &taken, LZMA_FINISH_ANY, &status);
  at_ += taken;
  return result == SZ_OK && taken == packed && lzma_.dicPos == limit && status == LZMA_STATUS_MAYBE_FINISHED_WITHOUT_MARK;
}

bool Decoder::run() {
  while (has(1)) {
    const unsigned control = packed_[at_++];
    if (control == kEnd) {
      return true;
    }
    const bool good = control >= kFirstLzma ? lzma_chunk(control)
                                            : control <= kPlain && plain_chunk(control == kPlainResetDictionary);
    if (!good) {
      return false;
    }
  }
  return false;
}

}  // namespace

Lzma2Result decode_lzma2(Bytes packed, std::span<unsigned char> target, uint32_t dictionary) {
  Decoder decoder(packed, target);
  if (!decoder.start(dictionary)) {
    return {};
  }
  const bool good = decoder.run();
  return {good, decoder.read(), decoder.written()};
}

}  // namespace hospes::loader
