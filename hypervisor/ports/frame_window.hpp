// SPDX-License-Identifier: Apache-2.0
// Access to the contents of a machine frame. On the machine the window is the direct map; on the host an array plays RAM.
#pragma once

#include "hypervisor/base/strong.hpp"

namespace hospes {

// Address at which machine address 0 would be seen: kDirectMapBase, or the start of the test's RAM.
extern constinit u64 frame_window_base;

// The bytes of `mfn`, valid while the caller holds a reference (or owns the frame). Contents may be shared with a guest:
// use SharedWord or copy once.
template <typename T = void>
T* frame_pointer(Mfn mfn) {
    return reinterpret_cast<T*>(frame_window_base + (mfn.raw() << kPageShift));
}

template <typename T = void>
T* machine_pointer(MachineAddress maddr) {
    return reinterpret_cast<T*>(frame_window_base + maddr.raw());
}

// The frame behind an address that frame_pointer() gave.
inline Mfn frame_of_pointer(void const* address) {
    return Mfn{(reinterpret_cast<u64>(address) - frame_window_base) >> kPageShift};
}

}  // namespace hospes
