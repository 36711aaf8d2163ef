// SPDX-License-Identifier: Apache-2.0
#include "volume.hpp"

namespace hospes::loader {
namespace {

constexpr EFI_GUID kLoadedImage = EFI_LOADED_IMAGE_PROTOCOL_GUID;
constexpr EFI_GUID kFileSystem = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
constexpr uint64_t kEndOfFile = ~uint64_t{0};
constexpr uint64_t kReadChunk = uint64_t{64} << 20;

class File {
 public:
  explicit File(EFI_FILE_HANDLE handle) : handle_(handle) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { handle_->Close(handle_); }

  // False for a folder: only files have an end to go to (UEFI 13.5, SetPosition).
  bool size(uint64_t& bytes) const {
    return !failed(handle_->SetPosition(handle_, kEndOfFile)) && !failed(handle_->GetPosition(handle_, &bytes)) &&
           !failed(handle_->SetPosition(handle_, 0));
  }

  // Large reads: each has a fixed cost in the firmware, which goes through its drivers in one piece.
  EFI_STATUS read(unsigned char* to, uint64_t bytes) const {
    while (bytes != 0) {
      UINTN chunk = bytes < kReadChunk ? bytes : kReadChunk;
      const EFI_STATUS status = handle_->Read(handle_, &chunk, to);
      if (failed(status)) {
        return status;
      }
      if (chunk == 0) {
        return EFI_VOLUME_CORRUPTED;
      }
      to += chunk;
      bytes -= chunk;
    }
    return EFI_SUCCESS;
  }

 private:
  EFI_FILE_HANDLE handle_;
};

constexpr uint8_t kMediaPath = 4;
constexpr uint8_t kFilePath = 4;
constexpr uint8_t kEndOfPath = 0x7f;

// Joins the file path nodes of a device path (UEFI 10.3.4.4): several make one path.
template <size_t Capacity>
void append_path(const EFI_DEVICE_PATH* node, BoundedText<Capacity>& path) {
  while (node != nullptr && node->Type != kEndOfPath) {
    const size_t length = node->Length[0] + (size_t{node->Length[1]} << 8);
    if (length < sizeof(EFI_DEVICE_PATH)) {
      return;
    }
    if (node->Type == kMediaPath && node->SubType == kFilePath) {
      const auto* chars = reinterpret_cast<const CHAR16*>(node + 1);
      const size_t count = (length - sizeof(EFI_DEVICE_PATH)) / 2;
      if (count != 0 && chars[0] != '\\' && !path.view().ends_with('\\')) {
        path << '\\';
      }
      for (size_t i = 0; i < count && chars[i] != 0; ++i) {
        path << (chars[i] < 0x80 ? static_cast<char>(chars[i]) : '?');
      }
    }
    node = reinterpret_cast<const EFI_DEVICE_PATH*>(reinterpret_cast<const char*>(node) + length);
  }
}

bool is_slash(char c) { return c == '/' || c == '\\'; }

std::string_view folder_of(std::string_view path) {
  while (!path.empty() && !is_slash(path.back())) {
    path.remove_suffix(1);
  }
  return path;
}

constexpr size_t kMaxFullPath = 500;

// The firmware's spelling of folder + path: backslashes only, none twice.
void spell(std::string_view folder, std::string_view path, CHAR16 (&wide)[kMaxFullPath + 1]) {
  BoundedText<kMaxFullPath> joined;
  if (!is_slash(path.front())) {
    joined << folder;
  }
  joined << path;
  size_t used = 0;
  bool after_slash = false;
  for (const char c : joined.view()) {
    const bool slash = is_slash(c);
    if (!(slash && after_slash)) {
      wide[used++] = slash ? '\\' : static_cast<CHAR16>(c);
    }
    after_slash = slash;
  }
  wide[used] = 0;
}

Outcome<FileContents> read_open_file(const Efi& efi, const File& file, std::string_view path, uint64_t limit) {
  uint64_t size = 0;
  if (!file.size(size)) {
    return problem(path, ": is a folder, a file is needed");
  }
  if (size == 0 || size > limit) {
    return problem(path, ": has ", size, " bytes; between 1 and ", limit, " are allowed");
  }
  Outcome<Pages> pages = Pages::allocate(efi, path, size);
  if (!pages.ok()) {
    return pages.why();
  }
  FileContents contents;
  contents.pages = pages.take();
  contents.size = size;
  const EFI_STATUS status = file.read(contents.pages.data(), size);
  if (failed(status)) {
    return problem(path, ": cannot be read (", name_of_status(status), ")");
  }
  return contents;
}

}  // namespace

Outcome<Volume> Volume::of_this_image(const Efi& efi) {
  const auto* image = protocol_of<EFI_LOADED_IMAGE>(efi, efi.image, kLoadedImage);
  auto* file_system =
      image == nullptr ? nullptr : protocol_of<EFI_FILE_IO_INTERFACE>(efi, image->DeviceHandle, kFileSystem);
  if (file_system == nullptr) {
    return problem("not started from a file system the firmware can read: put hospes.efi on an EFI system partition");
  }
  Volume volume;
  const EFI_STATUS status = file_system->OpenVolume(file_system, &volume.root_);
  if (failed(status)) {
    volume.root_ = nullptr;
    return problem("the volume with hospes.efi cannot be opened (", name_of_status(status), ")");
  }
  BoundedText<kMaxFolder> path;
  append_path(image->FilePath, path);
  volume.folder_ << folder_of(path.view());
  return volume;
}

Volume::~Volume() {
  if (root_ != nullptr) {
    root_->Close(root_);
  }
}

void Volume::swap(Volume& other) {
  std::swap(root_, other.root_);
  std::swap(folder_, other.folder_);
}

Outcome<FileContents> Volume::read(const Efi& efi, std::string_view path, uint64_t limit) const {
  CHAR16 wide[kMaxFullPath + 1];
  spell(folder_.view(), path, wide);
  EFI_FILE_HANDLE handle = nullptr;
  const EFI_STATUS status = root_->Open(root_, &handle, wide, EFI_FILE_MODE_READ, 0);
  if (failed(status)) {
    const std::string_view folder = is_slash(path.front()) || folder_.view().empty() ? "\\" : folder_.view();
    return problem(path, ": cannot be opened (", name_of_status(status), "); looked for in folder ", folder,
                   " of the boot volume");
  }
  return read_open_file(efi, File(handle), path, limit);
}

}  // namespace hospes::loader
