// SPDX-License-Identifier: Apache-2.0
//
// The x86 branch filter of the xz format, undone: CALL and JMP targets become relative again.
#pragma once

#include <stdint.h>

#include <span>

namespace hospes::loader {

/// Undoes the filter on a whole stream that starts at position 0, in place.
void undo_x86_bcj(std::span<unsigned char> code);

}  // namespace hospes::loader
