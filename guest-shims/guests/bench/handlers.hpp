// SPDX-License-Identifier: Apache-2.0
// Handlers of a handful of instructions, so that what is measured is the hypervisor. They take the place of the
// runtime's while a LeanHandlers lives.
#pragma once
#include "rt/guest.hpp"

namespace hospes::guest {

class LeanHandlers {
public:
    /// Events on `port` are taken back at the upcall.
    explicit LeanHandlers(EventPort port = EventPort{});
    ~LeanHandlers();
    LeanHandlers(const LeanHandlers &) = delete;
    LeanHandlers &operator=(const LeanHandlers &) = delete;
};

}  // namespace hospes::guest
