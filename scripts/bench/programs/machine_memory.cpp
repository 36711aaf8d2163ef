// SPDX-License-Identifier: Apache-2.0
// machine_memory: KiB of the machine's memory that the firmware calls usable, that are free, and that domains have, as the
// hypervisor tells dom0 by the public ABI (XENMEM_machine_memory_map, sysctl physinfo and getdomaininfolist).
#include "common.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#define __XEN_TOOLS__ 1
extern "C" {
#include <xen/xen.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xen/sys/privcmd.h>
}

namespace {

using namespace bench;
constexpr unsigned kEntries = 256, kDomains = 512;

struct E820 {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));
constexpr uint32_t kUsable = 1;

/// Locked memory that hypercalls read and write.
template <class T> T* locked(size_t count) {
    void* const memory = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) give_up("mmap");
    return static_cast<T*>(memory);
}

int hypercall(unsigned number, uint64_t first, uint64_t second) {
    static int const file = ::open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    privcmd_hypercall_t call{};
    call.op = number;
    call.arg[0] = first;
    call.arg[1] = second;
    return ::ioctl(file, IOCTL_PRIVCMD_HYPERCALL, &call);
}

uint64_t usable_kib() {
    auto* const entries = locked<E820>(kEntries);
    auto* const map = locked<xen_memory_map>(1);
    map->nr_entries = kEntries;
    set_xen_guest_handle(map->buffer, entries);
    if (hypercall(__HYPERVISOR_memory_op, XENMEM_machine_memory_map, reinterpret_cast<uint64_t>(map)) < 0) give_up("memory map");
    uint64_t bytes = 0;
    for (unsigned i = 0; i < map->nr_entries; ++i) bytes += entries[i].type == kUsable ? entries[i].size : 0;
    return bytes >> 10;
}

xen_sysctl& sysctl(unsigned command) {
    static auto* const request = locked<xen_sysctl>(1);
    if (command != XEN_SYSCTL_getdomaininfolist) std::memset(request, 0, sizeof *request);
    request->cmd = command;
    request->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    if (hypercall(__HYPERVISOR_sysctl, reinterpret_cast<uint64_t>(request), 0) < 0) give_up("sysctl");
    return *request;
}

}  // namespace

int main() {
    figure("usable_kib", static_cast<double>(usable_kib()));
    auto& request = sysctl(XEN_SYSCTL_physinfo);
    figure("free_kib", static_cast<double>((request.u.physinfo.free_pages + request.u.physinfo.outstanding_pages) << 2));
    figure("total_kib", static_cast<double>(request.u.physinfo.total_pages << 2));
    auto* const domains = locked<xen_domctl_getdomaininfo_t>(kDomains);
    std::memset(&request, 0, sizeof request);
    request.u.getdomaininfolist.max_domains = kDomains;
    set_xen_guest_handle(request.u.getdomaininfolist.buffer, domains);
    sysctl(XEN_SYSCTL_getdomaininfolist);
    uint64_t pages = 0;
    for (unsigned i = 0; i < request.u.getdomaininfolist.num_domains; ++i) pages += domains[i].tot_pages;
    figure("domains_kib", static_cast<double>(pages << 2));
    figure("domains", static_cast<double>(request.u.getdomaininfolist.num_domains));
    return 0;
}
