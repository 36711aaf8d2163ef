// SPDX-License-Identifier: Apache-2.0
// DomId, EventPort, GrantRef: the same types as in the core.
#pragma once

#include "hypervisor/base/strong.hpp"
