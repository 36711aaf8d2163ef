// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/vectors.hpp"

#include "hypervisor/base/assert.hpp"
#include "hypervisor/machine/local_apic.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/x86/exceptions.hpp"

namespace hospes {
namespace {

constinit InterruptHandler handlers[256];

}  // namespace

void register_vector(Vector vector, InterruptHandler handler) {
    HV_ASSERT(vector.raw() >= kFirstDeviceVector.raw() && vector.raw() != kVectorLinuxInt80);
    handlers[vector.raw()] = handler;
}

void dispatch_interrupt(Vector vector) {
    InterruptHandler const handler = handlers[vector.raw()];
    if (handler != nullptr) {
        handler(vector);
        return;
    }
    HV_WARN("interrupt vector 0x%x has no handler", static_cast<unsigned>(vector.raw()));
    end_of_interrupt();
}

}  // namespace hospes
