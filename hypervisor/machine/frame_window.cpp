// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {

constinit u64 frame_window_base = 0;

}  // namespace hospes
