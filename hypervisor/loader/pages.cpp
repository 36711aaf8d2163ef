// SPDX-License-Identifier: Apache-2.0
#include "pages.hpp"

#include <string.h>

namespace hospes::loader {

Outcome<Pages> Pages::allocate(const Efi& efi, std::string_view what, uint64_t bytes, uint64_t alignment,
                               EFI_MEMORY_TYPE type) {
  const uint64_t count = pages_for(bytes);
  const uint64_t spare = alignment / 4096 - 1;
  EFI_PHYSICAL_ADDRESS start = 0;
  const EFI_STATUS status = efi.boot->AllocatePages(AllocateAnyPages, type, count + spare, &start);
  if (failed(status)) {
    return problem("no ", bytes >> 10, " KiB of contiguous memory for ", what, " (", name_of_status(status),
                   "): give the machine more memory");
  }
  const uint64_t aligned = (start + alignment - 1) & ~(alignment - 1);
  const uint64_t before = (aligned - start) / 4096;
  if (before != 0) {
    efi.boot->FreePages(start, before);
  }
  if (spare != before) {
    efi.boot->FreePages(aligned + count * 4096, spare - before);
  }
  return Pages(efi.boot, aligned, count);
}

Pages::~Pages() {
  if (count_ != 0) {
    boot_->FreePages(address_, count_);
  }
}

void Pages::zero() const { memset(data(), 0, bytes()); }

void Pages::swap(Pages& other) {
  std::swap(boot_, other.boot_);
  std::swap(address_, other.address_);
  std::swap(count_, other.count_);
}

}  // namespace hospes::loader
