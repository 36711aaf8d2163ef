// SPDX-License-Identifier: Apache-2.0
// LinuxPrivcmd's domctls and sysctls, but for those of privcmd_sched.cpp. Both check the interface version exactly and answer -EACCES to another one.
#include "dom0-tools/ports/privcmd_linux.hpp"

#include <algorithm>
#include <cstring>

namespace hospes {
namespace {

std::uint64_t address_of(void const* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

Error explained(Error error) {
    if (error.code() != EACCES) return error;
    return make_error(EACCES, "{}: the hypervisor does not speak domctl/sysctl version {:#x}", error.message(),
                      XEN_DOMCTL_INTERFACE_VERSION);
}

}  // namespace

xen_domctl& LinuxPrivcmd::new_domctl(unsigned command, DomId domain) {
    buffer_.begin();
    auto& request = buffer_.put(xen_domctl{});
    request.cmd = command;
    request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    request.domain = domain.raw();
    return request;
}

xen_sysctl& LinuxPrivcmd::new_sysctl(unsigned command) {
    buffer_.begin();
    auto& request = buffer_.put(xen_sysctl{});
    request.cmd = command;
    request.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return request;
}

Status LinuxPrivcmd::domctl(std::string_view what, xen_domctl& request) {
    auto const result = hypercall(what, __HYPERVISOR_domctl, address_of(&request));
    if (!result) return std::unexpected(explained(result.error()));
    return {};
}

Status LinuxPrivcmd::sysctl(std::string_view what, xen_sysctl& request) {
    auto const result = hypercall(what, __HYPERVISOR_sysctl, address_of(&request));
    if (!result) return std::unexpected(explained(result.error()));
    return {};
}

Result<DomId> LinuxPrivcmd::create_domain(CreateDomain const& parameters) {
    auto& request = new_domctl(XEN_DOMCTL_createdomain, DomId{0xffff});  // not a domain's number: pick a free one
    auto& create = request.u.createdomain;
    std::ranges::copy(parameters.handle, create.handle);
    create.max_vcpus = parameters.max_vcpus;
    create.max_evtchn_port = static_cast<std::int32_t>(parameters.max_event_port);
    create.max_grant_frames = static_cast<std::int32_t>(parameters.max_grant_frames);
    create.max_maptrack_frames = static_cast<std::int32_t>(parameters.max_maptrack_frames);
    create.grant_opts = XEN_DOMCTL_GRANT_version(1);
    HV_TRY(domctl("createdomain", request));
    return DomId{request.domain};
}

Status LinuxPrivcmd::destroy_domain(DomId domain) {
    return domctl("destroydomain", new_domctl(XEN_DOMCTL_destroydomain, domain));
}

Status LinuxPrivcmd::pause_domain(DomId domain) {
    return domctl("pausedomain", new_domctl(XEN_DOMCTL_pausedomain, domain));
}

Status LinuxPrivcmd::unpause_domain(DomId domain) {
    return domctl("unpausedomain", new_domctl(XEN_DOMCTL_unpausedomain, domain));
}

Result<std::optional<DomainInfo>> LinuxPrivcmd::domain_info(DomId domain) {
    auto& request = new_domctl(XEN_DOMCTL_getdomaininfo, domain);
    auto const found = domctl("getdomaininfo", request);
    if (!found && found.error().code() == ESRCH) return std::nullopt;
    if (!found) return std::unexpected(found.error());
    auto const info = decode(request.u.getdomaininfo);
    if (info.id != domain) return std::nullopt;
    return info;
}

Result<std::vector<DomainInfo>> LinuxPrivcmd::list_domains() {
    constexpr unsigned kBatch = 256;
    std::vector<DomainInfo> all;
    for (unsigned first = 0;;) {
        auto& request = new_sysctl(XEN_SYSCTL_getdomaininfolist);
        auto const batch = buffer_.take<xen_domctl_getdomaininfo>(kBatch);
        request.u.getdomaininfolist.first_domain = static_cast<domid_t>(first);
        request.u.getdomaininfolist.max_domains = kBatch;
        request.u.getdomaininfolist.buffer.p = batch.data();
        HV_TRY(sysctl("getdomaininfolist", request));
        auto const count = std::min(request.u.getdomaininfolist.num_domains, kBatch);
        for (auto const& raw : batch.first(count)) all.push_back(decode(raw));
        if (count < kBatch) return all;
        first = all.back().id.raw() + 1u;
    }
}

Status LinuxPrivcmd::set_max_memory(DomId domain, std::uint64_t kib) {
    auto& request = new_domctl(XEN_DOMCTL_max_mem, domain);
    request.u.max_mem.max_memkb = kib;
    return domctl("max_mem", request);
}

Status LinuxPrivcmd::set_vcpu_context(DomId domain, VcpuId vcpu, vcpu_guest_context_t const& context) {
    auto& request = new_domctl(XEN_DOMCTL_setvcpucontext, domain);
    auto& copy = buffer_.put(context);
    request.u.vcpucontext.vcpu = vcpu.raw();
    request.u.vcpucontext.ctxt.p = &copy;
    return domctl("setvcpucontext", request);
}

Status LinuxPrivcmd::set_max_vcpus(DomId domain, unsigned count) {
    auto& request = new_domctl(XEN_DOMCTL_max_vcpus, domain);
    request.u.max_vcpus.max = count;
    return domctl("max_vcpus", request);
}

Status LinuxPrivcmd::set_address_size(DomId domain, unsigned bits) {
    auto& request = new_domctl(XEN_DOMCTL_set_address_size, domain);
    request.u.address_size.size = bits;
    return domctl("set_address_size", request);
}

Result<PhysicalInfo> LinuxPrivcmd::physical_info() {
    auto& request = new_sysctl(XEN_SYSCTL_physinfo);
    HV_TRY(sysctl("physinfo", request));
    auto const& raw = request.u.physinfo;
    return PhysicalInfo{.cpus = raw.nr_cpus,
                        .cores_per_socket = raw.cores_per_socket,
                        .threads_per_core = raw.threads_per_core,
                        .cpu_khz = raw.cpu_khz,
                        .total_pages = raw.total_pages,
                        .free_pages = raw.free_pages + raw.scrub_pages};
}

Status LinuxPrivcmd::press_debug_keys(std::string_view keys) {
    auto& request = new_sysctl(XEN_SYSCTL_debug_keys);
    auto const copy = buffer_.take<char>(keys.size());
    if (copy.size() != keys.size()) return fail(E2BIG, "press debug keys: {} are too many", keys.size());
    std::ranges::copy(keys, copy.begin());
    request.u.debug_keys.keys.p = copy.data();
    request.u.debug_keys.nr_keys = static_cast<std::uint32_t>(keys.size());
    return sysctl("debug_keys", request);
}

Result<HospesCheck> LinuxPrivcmd::run_check_step(std::uint32_t step) {
    auto& request = new_sysctl(kHospesSysctlCheck);
    HospesCheck check{.step = step, .steps = 0, .differences = 0, .frames = 0, .tables = 0, .references = 0};
    std::memcpy(&request.u, &check, sizeof check);
    HV_TRY(sysctl("check", request));
    std::memcpy(&check, &request.u, sizeof check);
    return check;
}

Result<std::string> LinuxPrivcmd::console_log() {
    constexpr std::uint32_t kBatch = 64 * 1024;
    std::string log;
    std::uint32_t index = 0;
    for (;;) {
        auto& request = new_sysctl(XEN_SYSCTL_readconsole);
        auto const batch = buffer_.take<char>(kBatch);
        auto& read = request.u.readconsole;
        read.incremental = 1;
        read.index = index;
        read.count = kBatch;
        read.buffer.p = batch.data();
        HV_TRY(sysctl("readconsole", request));
        if (read.count == 0 || read.count > kBatch) return log;
        log.append(batch.data(), read.count);
        index = read.index;
    }
}

}  // namespace hospes
