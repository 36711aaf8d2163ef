// SPDX-License-Identifier: Apache-2.0
//
// What Debian's decoder libraries expect of a C library and of a thread.
#pragma once

#include "pages.hpp"

namespace hospes::loader {

/// Holds the processor as the libraries need it, for as long as the object lives:
///  * interrupts off (TPL_HIGH_LEVEL): their code uses the red zone below RSP, which the firmware's handlers overwrite;
///  * the FS base on a block with a stack-protector word at offset 0x28;
///  * malloc on a bump arena in `arena`; free gives nothing back.
/// No boot service may be called meanwhile, and no second object may exist.
class DecoderEnvironment {
 public:
  DecoderEnvironment(const Efi& efi, const Pages& arena);
  DecoderEnvironment(const DecoderEnvironment&) = delete;
  DecoderEnvironment& operator=(const DecoderEnvironment&) = delete;
  ~DecoderEnvironment();

 private:
  static constexpr size_t kThreadBlockWords = 16;

  EFI_BOOT_SERVICES* boot_;
  EFI_TPL old_level_;
  uint64_t old_fs_base_;
  uint64_t thread_block_[kThreadBlockWords] = {};
};

}  // namespace hospes::loader
