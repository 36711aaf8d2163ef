// SPDX-License-Identifier: Apache-2.0
// The device, foreign mappings, and the hypercalls that are neither domctl nor sysctl.
#include "dom0-tools/ports/privcmd_linux.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
extern "C" {
#ifndef __user
#define __user
#endif
#include <xen/sys/privcmd.h>
}
#pragma GCC diagnostic pop

namespace hospes {
namespace {

std::uint64_t address_of(void const* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

void unmap(std::span<std::byte> bytes) { ::munmap(bytes.data(), bytes.size()); }

}  // namespace

Result<LinuxPrivcmd> LinuxPrivcmd::open() {
    auto device = open_file("/dev/xen/privcmd", O_RDWR);
    if (!device) {
        return fail(device.error().code(), "{}: hospes has to run as root in dom0, with the kernel module xen-privcmd",
                    device.error().message());
    }
    return LinuxPrivcmd{*std::move(device), HV_TRY(HypercallBuffer::open())};
}

Result<long> LinuxPrivcmd::hypercall(std::string_view what, unsigned number, std::uint64_t a0, std::uint64_t a1,
                                     std::uint64_t a2, std::uint64_t a3) {
    privcmd_hypercall_t call{.op = number, .arg = {a0, a1, a2, a3, 0}};
    for (;;) {
        int const result = ::ioctl(device_.get(), IOCTL_PRIVCMD_HYPERCALL, &call);
        if (result >= 0) return result;
        if (errno == EAGAIN || errno == EINTR) continue;  // a long operation that goes on where it stopped
        return std::unexpected{Error::from_errno(what)};
    }
}

Result<std::size_t> LinuxPrivcmd::populate(DomId domain, unsigned order, std::span<std::uint64_t> frames) {
    constexpr std::size_t kBatch = 16384;
    std::size_t done = 0;
    while (done < frames.size()) {
        buffer_.begin();
        auto const batch = frames.subspan(done, std::min(kBatch, frames.size() - done));
        auto const extents = buffer_.take<xen_pfn_t>(batch.size());
        std::ranges::copy(batch, extents.begin());
        auto& request = buffer_.put(xen_memory_reservation_t{});
        request.extent_start.p = extents.data();
        request.nr_extents = batch.size();
        request.extent_order = order;
        request.domid = domain.raw();
        auto const given = static_cast<std::size_t>(
            HV_TRY(hypercall("populate_physmap", __HYPERVISOR_memory_op, XENMEM_populate_physmap, address_of(&request))));
        std::ranges::copy(extents.first(given), batch.begin());
        done += given;
        if (given < batch.size()) break;
    }
    return done;
}

Result<EventPort> LinuxPrivcmd::alloc_unbound_port(DomId domain, DomId remote) {
    buffer_.begin();
    auto& request = buffer_.put(evtchn_alloc_unbound_t{});
    request.dom = domain.raw();
    request.remote_dom = remote.raw();
    HV_TRY(hypercall("alloc_unbound", __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, address_of(&request)));
    return EventPort{request.port};
}

Status LinuxPrivcmd::pin_l4_table(DomId domain, Mfn table) {
    buffer_.begin();
    auto& request = buffer_.put(mmuext_op{});
    request.cmd = MMUEXT_PIN_L4_TABLE;
    request.arg1.mfn = table.raw();
    HV_TRY(hypercall("pin the page tables", __HYPERVISOR_mmuext_op, address_of(&request), 1, 0, domain.raw()));
    return {};
}

Result<std::span<std::byte>> LinuxPrivcmd::reserve_range(std::size_t pages) {
    void* const range = ::mmap(nullptr, pages * kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, device_.get(), 0);
    if (range == MAP_FAILED) return fail_errno("reserve {} pages for a foreign mapping", pages);
    return std::span{static_cast<std::byte*>(range), pages * kPageSize};
}

Result<ForeignMapping> LinuxPrivcmd::map_foreign(DomId domain, std::span<Mfn const> frames) {
    std::vector<xen_pfn_t> numbers(frames.size());
    std::ranges::transform(frames, numbers.begin(), [](Mfn mfn) { return mfn.raw(); });
    std::vector<int> errors(frames.size());
    ForeignMapping mapping{HV_TRY(reserve_range(frames.size())), unmap};
    privcmd_mmapbatch_v2_t request{};
    request.num = static_cast<unsigned>(frames.size());
    request.dom = domain.raw();
    request.addr = address_of(mapping.bytes().data());
    request.arr = numbers.data();
    request.err = errors.data();
    if (::ioctl(device_.get(), IOCTL_PRIVCMD_MMAPBATCH_V2, &request) != 0 && errno != ENOENT) {
        return fail_errno("map {} frames of domain {}", frames.size(), domain.raw());
    }
    auto const bad = std::ranges::find_if(errors, [](int error) { return error != 0; });
    if (bad == errors.end()) return mapping;
    auto const index = static_cast<std::size_t>(bad - errors.begin());
    errno = -*bad;
    return fail_errno("map frame {:#x} of domain {}", frames[index].raw(), domain.raw());
}

Result<ForeignMapping> LinuxPrivcmd::map_grant_table(DomId domain) {
    ForeignMapping mapping{HV_TRY(reserve_range(1)), unmap};
    privcmd_mmap_resource_t request{};
    request.dom = domain.raw();
    request.type = XENMEM_resource_grant_table;
    request.id = XENMEM_resource_grant_table_id_shared;
    request.num = 1;
    request.addr = address_of(mapping.bytes().data());
    if (::ioctl(device_.get(), IOCTL_PRIVCMD_MMAP_RESOURCE, &request) == 0) return mapping;
    return fail_errno("map the grant table of domain {}", domain.raw());
}

std::string LinuxPrivcmd::version_text(unsigned command, std::size_t size) {
    buffer_.begin();
    auto const text = buffer_.take<char>(size + 1);
    // What a hypervisor does not tell is left empty.
    if (!hypercall("xen_version", __HYPERVISOR_xen_version, command, address_of(text.data()))) return {};
    return std::string{text.data()};
}

Result<HypervisorVersion> LinuxPrivcmd::version() {
    auto const number = HV_TRY(hypercall("xen_version", __HYPERVISOR_xen_version, XENVER_version, 0));
    return HypervisorVersion{
        .major = static_cast<unsigned>(number >> 16),
        .minor = static_cast<unsigned>(number & 0xffff),
        .extra = version_text(XENVER_extraversion, sizeof(xen_extraversion_t)),
        .changeset = version_text(XENVER_changeset, sizeof(xen_changeset_info_t)),
        .capabilities = version_text(XENVER_capabilities, sizeof(xen_capabilities_info_t)),
        .command_line = version_text(XENVER_commandline, sizeof(xen_commandline_t)),
    };
}

}  // namespace hospes
