// SPDX-License-Identifier: Apache-2.0
//
// Memory from the firmware, in pages.
#pragma once

#include <span>

#include "efi.hpp"

namespace hospes::loader {

[[nodiscard]] constexpr uint64_t pages_for(uint64_t bytes) { return (bytes + 4095) / 4096; }

/// Owns contiguous pages; frees them unless released.
class Pages {
 public:
  Pages() = default;
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    swap(other);
    return *this;
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  /// Allocates room for `bytes`, starting at a multiple of `alignment` (a power of two, at least 4096). Not zeroed.
  /// `what` names the use in the message when memory runs out.
  static Outcome<Pages> allocate(const Efi& efi, std::string_view what, uint64_t bytes, uint64_t alignment = 4096,
                                 EFI_MEMORY_TYPE type = EfiLoaderData);

  [[nodiscard]] uint64_t address() const { return address_; }
  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] unsigned char* data() const { return reinterpret_cast<unsigned char*>(address_); }
  [[nodiscard]] uint64_t bytes() const { return count_ * 4096; }
  void zero() const;

 private:
  Pages(EFI_BOOT_SERVICES* boot, uint64_t address, uint64_t count) : boot_(boot), address_(address), count_(count) {}
  void swap(Pages& other);

  EFI_BOOT_SERVICES* boot_ = nullptr;
  uint64_t address_ = 0;
  uint64_t count_ = 0;
};

}  // namespace hospes::loader
