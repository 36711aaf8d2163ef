// SPDX-License-Identifier: Apache-2.0
// Xen's public interface (libxen-dev), included in this one place.
#pragma once
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#define __XEN_TOOLS__ 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
// xen.h first: the others build on its types.
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#pragma GCC diagnostic pop

#include "types.hpp"

namespace hospes::guest {

constexpr u64 kVirtBase = 0xffffffff80000000;
constexpr u64 kHypervisorStart = 0xffff800000000000;
constexpr u64 kHypervisorEnd = 0xffff880000000000;
constexpr u64 kNonCanonical = 0x0080000000000000;

constexpr u16 kKernelCs = 0xe030;   // as the hypervisor pushes it for guest-kernel mode
constexpr u16 kFlatCs64 = 0xe033;   // FLAT_RING3_CS64
constexpr u16 kFlatSs = 0xe02b;     // FLAT_RING3_SS64

constexpr long kEPERM = -1, kENOENT = -2, kESRCH = -3, kEIO = -5, kE2BIG = -7, kEAGAIN = -11, kENOMEM = -12, kEACCES = -13,
               kEFAULT = -14, kEBUSY = -16, kEEXIST = -17, kENODEV = -19, kEINVAL = -22, kENOSPC = -28, kENOSYS = -38, kETIME = -62,
               kEOPNOTSUPP = -95;

}  // namespace hospes::guest
