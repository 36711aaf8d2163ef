// SPDX-License-Identifier: Apache-2.0
// Who gets what is typed on the serial line: dom0, or after three times Ctrl-A (as in Xen) the core's debug keys, until three more.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

class ConsoleSwitch {
public:
    enum class Goes : u8 { to_dom0, to_core, nowhere };

    // Where one more byte goes. The first two Ctrl-A of a row still reach dom0: nobody waits to see whether a third follows.
    Goes feed(char byte) {
        count_ = byte == kSwitch ? count_ + 1 : 0;
        if (count_ == 3) {
            count_ = 0;
            is_core_ = !is_core_;
            return Goes::nowhere;
        }
        if (!is_core_) return Goes::to_dom0;
        return count_ != 0 ? Goes::nowhere : Goes::to_core;
    }

private:
    static constexpr char kSwitch = 0x01;

    unsigned count_ = 0;
    bool is_core_ = false;
};

}  // namespace hospes
