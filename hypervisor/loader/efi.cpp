// SPDX-License-Identifier: Apache-2.0
#include "efi.hpp"

namespace hospes::loader {

std::string_view name_of_status(EFI_STATUS status) {
  switch (status) {
    case EFI_INVALID_PARAMETER:
      return "invalid parameter";
    case EFI_UNSUPPORTED:
      return "unsupported";
    case EFI_DEVICE_ERROR:
      return "device error";
    case EFI_NO_MEDIA:
      return "no media";
    case EFI_MEDIA_CHANGED:
      return "media changed";
    case EFI_VOLUME_CORRUPTED:
      return "file system damaged";
    case EFI_NOT_FOUND:
      return "not found";
    case EFI_ACCESS_DENIED:
      return "access denied";
    case EFI_OUT_OF_RESOURCES:
      return "out of memory";
    default:
      return "firmware error";
  }
}

}  // namespace hospes::loader
