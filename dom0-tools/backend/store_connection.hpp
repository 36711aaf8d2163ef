// SPDX-License-Identifier: Apache-2.0
// A device daemon's way to xenstored.
#pragma once

#include "xenstore/client/client.hpp"

#include <chrono>

namespace hospes::backend {

inline constexpr std::chrono::milliseconds kConnectPause{100};

// Connects to xenstored's socket, and tries so many times: daemons are started side by side, and xenstored may be later than we are, or be
// about to be started again. Never over the kernel's device, which does not tell that xenstored is lost: the next one would not know
// our watches, and we would hear of no new domain.
Result<xenstore::Client> connect_to_store(int attempts);

}  // namespace hospes::backend
