// SPDX-License-Identifier: Apache-2.0
// console_io (18): the serial line. dom0 reads and writes it; any other domain's output goes to the log, a bounded amount a second.
// Writing takes no core lock: the line is slow, and nobody who does not write shall wait for it.
#include "hypervisor/core/core_lock.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/clock.hpp"
#include "hypervisor/ports/console.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/ports/log.hpp"
#include "hypervisor/ports/preempt.hpp"

#include <algorithm>

namespace hospes {
namespace {

constexpr u64 kChunk = 128;  // 11 ms on a line of 115,200 baud
constexpr u64 kLineOverhead = 32;  // what the log puts around a domain's text, rounded up: it is as slow as the text

// Arguments of CONSOLEIO_write: how much is left, and where it begins.
struct Rest {
    u64& count;
    u64& from;
};

// The line is slow: interrupted, the call goes on with what is left.
Outcome write_as_dom0(Rest rest) {
    char buffer[kChunk];
    while (rest.count > 0) {
        u64 const size = std::min(rest.count, kChunk);
        HV_TRY(copy_from_guest(buffer, GuestAddress{rest.from}, size));
        console_write(buffer, size);
        rest.count -= size;
        rest.from += size;
        if (rest.count > 0 && preempt_pending()) return Errno::restart;
    }
    return 0;
}

// A domain that writes more than its share is cut off until the second is over.
Outcome write_as_domain(Domain& domain, Rest rest) {
    char buffer[kChunk + 1];
    while (rest.count > 0) {
        u64 const size = std::min(rest.count, kChunk);
        HV_TRY(copy_from_guest(buffer, GuestAddress{rest.from}, size));
        if (!domain.log_share.take(size + kLineOverhead, system_time())) return 0;  // all that is left is dropped
        rest.count -= size;
        rest.from += size;
        usize const text = size > 0 && buffer[size - 1] == '\n' ? size - 1 : size;
        for (usize i = 0; i < text; ++i) {
            if (buffer[i] < ' ' || buffer[i] > '~') buffer[i] = buffer[i] == '\n' ? '|' : '.';  // no terminal control on our console
        }
        buffer[text] = '\0';
        HV_INFO("d%u: %s", domain.id().raw(), buffer);
        if (rest.count > 0 && preempt_pending()) return Errno::restart;
    }
    return 0;
}

Outcome read(GuestAddress to, u64 count) {
    CoreGuard const guard;  // two vcpus of dom0 may read at once
    char buffer[kChunk];
    usize const size = console_read(buffer, std::min(count, kChunk));
    HV_TRY(copy_to_guest(to, buffer, size));
    return static_cast<i64>(size);
}

}  // namespace

Outcome hypercall_console_io(Vcpu& caller, HypercallArgs& args) {
    u64 count = static_cast<u32>(args[1]);
    if (count > 0x7fff'ffff) return Errno::invalid;
    bool const is_dom0 = caller.domain().is_hardware_domain();
    if (args[0] == CONSOLEIO_read) return is_dom0 ? read(GuestAddress{args[2]}, count) : Outcome{Errno::perm};
    if (args[0] != CONSOLEIO_write) return Errno::no_system_call;
    u64 from = args[2];
    Outcome outcome = is_dom0 ? write_as_dom0({count, from}) : write_as_domain(caller.domain(), {count, from});
    if (!outcome.ok() && outcome.error() == Errno::restart) {
        args[1] = count;
        args[2] = from;
    }
    return outcome;
}

}  // namespace hospes
