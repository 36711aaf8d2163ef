// SPDX-License-Identifier: Apache-2.0
// What a guest's source includes: the runtime is set up when run() is entered (console, traps, events masked).
#pragma once
#include "clock.hpp"
#include "console.hpp"
#include "event.hpp"
#include "grant.hpp"
#include "hypercall.hpp"
#include "machine.hpp"
#include "page.hpp"
#include "text.hpp"
#include "trap.hpp"
#include "user.hpp"

namespace hospes::guest {

/// The guest itself; when it returns, the runtime ends the domain with SHUTDOWN_poweroff, or the reason given by the
/// option end=reboot|crash.
void run();

}  // namespace hospes::guest
