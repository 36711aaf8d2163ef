// SPDX-License-Identifier: Apache-2.0
#include "unpack.hpp"

#include "decoder_shim.hpp"
#include "decoders.hpp"

namespace hospes::loader {
namespace {

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
  Outcome<Decoded> decoded = decode_in_arena(efi, payload, target, usual_memory(payload.compression));
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
