// SPDX-License-Identifier: Apache-2.0
// console_io (18): the serial line. dom0 reads and writes it; any other domain's output goes to the log, a bounded amount a second.
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/console.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/log.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u64 kChunk = 256;
constexpr u64 kDomainBytesPerSecond = 16384;

Outcome write_as_dom0(GuestAddress from, u64 count) {
    char buffer[kChunk];
    for (u64 done = 0; done < count;) {
        u64 const size = std::min(count - done, kChunk);
        HV_TRY(copy_from_guest(buffer, from + done, size));
        console_write(buffer, size);
        done += size;
    }
    return 0;
}

// A domain that writes more than its share is cut off until the second is over.
bool may_write(Domain& domain, u64 count) {
    u64 const second = system_time().raw() / 1'000'000'000;
    if (domain.console_second != second) {
        domain.console_second = second;
        domain.console_bytes = 0;
    }
    domain.console_bytes += count;
    return domain.console_bytes <= kDomainBytesPerSecond;
}

Outcome write_as_domain(Domain& domain, GuestAddress from, u64 count) {
    char buffer[kChunk + 1];
    for (u64 done = 0; done < count;) {
        u64 const size = std::min(count - done, kChunk);
        HV_TRY(copy_from_guest(buffer, from + done, size));
        done += size;
        if (!may_write(domain, size)) continue;
        usize const text = size > 0 && buffer[size - 1] == '\n' ? size - 1 : size;
        for (usize i = 0; i < text; ++i) {
            if (buffer[i] < ' ' || buffer[i] > '~') buffer[i] = buffer[i] == '\n' ? '|' : '.';  // no terminal control on our console
        }
        buffer[text] = '\0';
        HV_INFO("d%u: %s", domain.id().raw(), buffer);
    }
    return 0;
}

Outcome read(GuestAddress to, u64 count) {
    char buffer[kChunk];
    usize const size = console_read(buffer, std::min(count, kChunk));
    HV_TRY(copy_to_guest(to, buffer, size));
    return static_cast<i64>(size);
}

}  // namespace

Outcome hypercall_console_io(Vcpu& caller, HypercallArgs& args) {
    u64 const count = static_cast<u32>(args[1]);
    GuestAddress const buffer{args[2]};
    if (count > 0x7fff'ffff) return Errno::invalid;
    bool const is_dom0 = caller.domain().is_hardware_domain();
    switch (args[0]) {
        case CONSOLEIO_write:
            return is_dom0 ? write_as_dom0(buffer, count) : write_as_domain(caller.domain(), buffer, count);
        case CONSOLEIO_read:
            if (!is_dom0) return Errno::perm;
            return read(buffer, count);
        default:
            return Errno::no_system_call;
    }
}

}  // namespace hospes
