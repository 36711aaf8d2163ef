// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hospes::control {

inline constexpr char kSocketPath[] = "/run/hospes/hospesd.sock";

}  // namespace hospes::control
