// SPDX-License-Identifier: Apache-2.0
//
// The files on the volume that hospes.efi was started from.
#pragma once

#include "bytes.hpp"
#include "pages.hpp"

namespace hospes::loader {

/// A file's contents in memory of their own.
struct FileContents {
  Pages pages;
  uint64_t size = 0;

  [[nodiscard]] Bytes bytes() const { return {pages.data(), size}; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(pages.data()), size}; }
};

class Volume {
 public:
  /// Opens the volume and notes the folder hospes.efi lies in.
  static Outcome<Volume> of_this_image(const Efi& efi);

  Volume() = default;
  Volume(Volume&& other) noexcept { swap(other); }
  Volume& operator=(Volume&& other) noexcept {
    swap(other);
    return *this;
  }
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;
  ~Volume();

  /// Reads a whole file. `path` is relative to hospes.efi's folder, or from the volume's root when it starts with a
  /// slash of either kind. Errors: not there, a folder, empty, larger than `limit`, not readable.
  Outcome<FileContents> read(const Efi& efi, std::string_view path, uint64_t limit) const;

 private:
  static constexpr size_t kMaxFolder = 256;

  void swap(Volume& other);

  EFI_FILE_HANDLE root_ = nullptr;
  BoundedText<kMaxFolder> folder_;
};

}  // namespace hospes::loader
