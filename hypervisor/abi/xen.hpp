// SPDX-License-Identifier: Apache-2.0
// Xen's public interface (4.17), from Debian's libxen-dev; the one place where the core includes it.
#pragma once

#include "hypervisor/base/types.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"

#define __XEN_TOOLS__ 1
extern "C" {
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>
}
#pragma GCC diagnostic pop

namespace hospes {
static_assert(sizeof(start_info_t) == 0x490);
static_assert(sizeof(vcpu_guest_context_t) == 5168);
static_assert(sizeof(xen_domctl_getdomaininfo) == 112);
static_assert(sizeof(xen_sysctl_physinfo) == 112);
static_assert(sizeof(shared_info_t) <= kPageSize);
static_assert(sizeof(vcpu_info_t) == 64);
}  // namespace hospes
