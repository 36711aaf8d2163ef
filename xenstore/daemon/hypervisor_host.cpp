// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/hypervisor_host.hpp"

#include "dom0-tools/base/unique_fd.hpp"
#include "hypervisor/abi/xen.hpp"
#include "xenstore/wire/strings.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>

namespace hospes::xenstore {

namespace {

constexpr char kRingFile[] = "/proc/xen/xsd_kva";
constexpr char kPortFile[] = "/proc/xen/xsd_port";
constexpr GrantRef kStoreGrant{GNTTAB_RESERVED_XENSTORE};

class GrantedPage final : public RingPage {
public:
    explicit GrantedPage(GrantMapping mapping) : mapping_{std::move(mapping)} {}
    xenstore_domain_interface& page() override { return *reinterpret_cast<xenstore_domain_interface*>(mapping_.data()); }

private:
    GrantMapping mapping_;
};

class KernelPage final : public RingPage {
public:
    explicit KernelPage(void* memory) : memory_{memory} {}
    KernelPage(KernelPage const&) = delete;
    KernelPage& operator=(KernelPage const&) = delete;
    ~KernelPage() override { ::munmap(memory_, kPageSize); }
    xenstore_domain_interface& page() override { return *static_cast<xenstore_domain_interface*>(memory_); }

private:
    void* memory_;
};

Result<std::unique_ptr<RingPage>> map_kernel_page() {
    auto const file = HV_TRY(open_file(kRingFile, O_RDWR));
    void* const memory = ::mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) return fail_errno("map {}", kRingFile);
    return std::make_unique<KernelPage>(memory);
}

}  // namespace

Result<EventPort> control_domain_port() {
    auto const text = HV_TRY(read_file(kPortFile));
    auto const port = parse_number<u32>(std::string_view{text}.substr(0, text.find_first_not_of("0123456789")));
    if (!port || *port == 0) return fail(EINVAL, "{}: \"{}\" is not a port", kPortFile, text);
    return EventPort{*port};
}

Status HypervisorHost::watch_domains(std::function<void()> on_change) {
    auto on_interrupt = [this, on_change = std::move(on_change)] {
        // Before the look at the domains: what happens during it raises the interrupt again.
        if (auto const unmasked = domain_exception_.unmask(); !unmasked) spdlog::warn("VIRQ_DOM_EXC: {}", unmasked.error().message());
        on_change();
    };
    domain_exception_ = HV_TRY(devices_.channels.bind_virq(VIRQ_DOM_EXC, std::move(on_interrupt)));
    return {};
}

std::optional<DomainState> HypervisorHost::state_of(DomId domain) {
    auto const info = devices_.privcmd.domain_info(domain);
    if (!info) {
        // Not a reason to take a domain for dead: its nodes would be removed.
        spdlog::error("domain {}: {}", domain.raw(), info.error().message());
        return DomainState{};
    }
    if (!*info) return std::nullopt;
    return DomainState{.is_shutdown = (*info)->is_shutdown, .is_dying = (*info)->is_dying};
}

Result<std::unique_ptr<RingPage>> HypervisorHost::map_ring(DomId domain) {
    if (domain == kDomIdDom0) return map_kernel_page();
    auto mapping = HV_TRY(devices_.grants.map(domain, std::span{&kStoreGrant, 1}, hospes::Access::read_write));
    return std::make_unique<GrantedPage>(std::move(mapping));
}

Result<std::unique_ptr<DomainLink>> HypervisorHost::open_link(DomId domain, Receiver& receiver) {
    auto page = HV_TRY(map_ring(domain));
    RingTransport::Environment environment{.channels = devices_.channels, .loop = loop_, .flushes = flushes_, .after_turn = after_turn};
    return std::make_unique<RingTransport>(domain, std::move(page), receiver, std::move(environment));
}

}  // namespace hospes::xenstore
