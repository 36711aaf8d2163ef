// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_control.hpp"

#include "dom0-tools/control/backend_wait.hpp"
#include "dom0-tools/control/cpu_tune.hpp"
#include "dom0-tools/control/pv_builder.hpp"
#include "dom0-tools/control/undo.hpp"

#include <spdlog/spdlog.h>

#include <thread>

namespace hospes::control {

// Everything that creating a domain needs, found and checked.
struct DomainControl::Plan {
    DomainXml description;
    DomainRecord record;
    KernelImage kernel;
    MappedMemory ramdisk;
    bool leave_paused = false;
};

Result<DomainControl::Plan> DomainControl::prepare(CreateRequest const& request) {
    auto description = HV_TRY(read_domain_xml(request.xml, request.file));
    auto const& config = description.config;
    HV_TRY(check_host(config, request.file, host_));
    HV_TRY(check_other_domains(config, request.file, privcmd_, store_));
    HV_TRY(check_pinning(config, request.file, privcmd_));
    HV_TRY(check_memory(config, request.file, privcmd_));
    auto kernel = HV_TRY(with_context(load_kernel(config.kernel.path, cache_), "{}:{}: <kernel>", request.file, config.kernel.line));
    MappedMemory ramdisk;
    if (config.initrd) ramdisk = HV_TRY(MappedMemory::of_file(config.initrd->path));
    auto const uuid = request.uuid ? *request.uuid : config.uuid ? *config.uuid : random_uuid();
    DomainRecord record{config.name, uuid, request.file, request.xml};
    return Plan{std::move(description), std::move(record), std::move(kernel), std::move(ramdisk), request.leave_paused};
}

Result<CreatedDomain> DomainControl::create(CreateRequest const& request) {
    auto const plan = HV_TRY(prepare(request));
    auto const& config = plan.description.config;
    auto const id = carry_out(plan);
    // The checks' errors name file and line themselves.
    if (!id && id.error().message().starts_with(request.file)) return std::unexpected(id.error());
    if (!id) return std::unexpected(id.error().within(fmt::format("{}: create domain {}", request.file, config.name)));
    return CreatedDomain{*id, config.name, plan.description.warnings};
}

Result<DomId> DomainControl::carry_out(Plan const& plan) {
    auto const& config = plan.description.config;
    auto const& uuid = plan.record.uuid;
    Undo undo;
    // Written first: whatever happens from here on, the next hospesd finds the half-made domain by its uuid.
    HV_TRY(store_.write(creating_path(uuid), config.name));
    undo.add("forget the create", [&] { return store_.remove(creating_path(uuid)); });
    auto const domain = HV_TRY(privcmd_.create_domain({.handle = uuid.bytes, .max_vcpus = config.vcpus}));
    undo.add("take the domain away", [&] { return take_away(domain, uuid); });
    auto const built = HV_TRY(build_pv_domain(privcmd_, domain, config, plan.kernel, plan.ramdisk.bytes()));
    HV_TRY(apply_cpu_tune(privcmd_, domain, config));
    HV_TRY(set_up_store(domain, plan, built));
    HV_TRY(wait_for_backends(store_, backend_devices(domain, config), plan.record.file, patience_.backends));
    if (!plan.leave_paused) HV_TRY(privcmd_.unpause_domain(domain));
    HV_TRY(store_.remove(creating_path(uuid)));
    undo.keep();
    return domain;
}

Status DomainControl::set_up_store(DomId domain, Plan const& plan, BuiltDomain const& built) {
    auto const& config = plan.description.config;
    auto const write_all = [&](xenstore::StoreView const& transaction) -> Status {
        HV_TRY(write_domain_nodes(transaction, domain, config, plan.record.uuid, built));
        HV_TRY(write_record(transaction, record_path(domain), plan.record));
        return write_device_nodes(transaction, domain, config, plan.record.uuid);
    };
    HV_TRY(store_.transact(write_all));
    return store_.introduce(domain, Gfn{built.store_ring.raw()}, built.store_port);
}

// The domain's memory is free only when the last daemon has let go of it.
Status DomainControl::end_in_hypervisor(DomId domain) {
    auto const ended = privcmd_.destroy_domain(domain);
    if (!ended && ended.error().code() != ESRCH) return ended;
    constexpr std::chrono::milliseconds kStep{10};
    for (auto waited = std::chrono::milliseconds{0}; waited <= patience_.release; waited += kStep) {
        if (waited.count() > 0) std::this_thread::sleep_for(kStep);
        if (!HV_TRY(privcmd_.domain_info(domain))) return {};
    }
    spdlog::warn("domain {} has ended, but a daemon still holds some of its memory", domain.raw());
    return {};
}

Result<std::optional<Uuid>> DomainControl::uuid_of(DomId domain) {
    if (auto const record = HV_TRY(read_record(store_, domain))) return record->uuid;
    if (auto const info = HV_TRY(privcmd_.domain_info(domain))) return Uuid{info->handle};
    return std::nullopt;
}

Status DomainControl::destroy(DomId domain) {
    if (domain == kDomIdDom0) return fail(EPERM, "domain 0 is the control domain and cannot be destroyed; power the machine off");
    auto const uuid = HV_TRY(uuid_of(domain));
    if (!uuid) return fail(ESRCH, "domain {} has ended", domain.raw());  // a domain that starts again has another number
    return take_away(domain, *uuid);
}

Status DomainControl::destroy(Uuid const& uuid, std::optional<DomId> last_known) { return destroy(HV_TRY(number_of(uuid, last_known))); }

Result<DomId> DomainControl::number_of(Uuid const& uuid, std::optional<DomId> last_known) {
    std::optional<DomId> present;
    for (auto const& info : HV_TRY(privcmd_.list_domains())) {
        if (info.id == kDomIdDom0 || info.is_dying || info.handle != uuid.bytes) continue;
        if (info.id == last_known) return info.id;
        present = info.id;
    }
    bool const names_one = uuid != Uuid{};  // foreign tool stacks may give all their domains none
    if (present && names_one) return *present;
    // A trace of it may be left.
    if (last_known && HV_TRY(uuid_of(*last_known)) == uuid) return *last_known;
    return fail(ESRCH, "{} has ended", last_known ? fmt::format("domain {}", last_known->raw()) : "the domain " + to_string(uuid));
}

// Backends first, as they hold memory of the domain; its nodes last, as backends read them. One that fails stops no other.
// Whoever is told that the domain is gone may want its disks for the next one: until then the backends have let go of them.
Status DomainControl::take_away(DomId domain, Uuid const& uuid) {
    auto const closed = close_backends(store_, domain);
    auto const ended = end_in_hypervisor(domain);
    auto const let_go = wait_until_closed(store_, domain, patience_.release);
    if (!let_go) spdlog::warn("domain {} has ended, but a daemon may still hold a device of it: {}", domain.raw(), let_go.error().message());
    auto const removed = remove_domain_nodes(store_, domain, uuid);
    if (!ended) return ended;
    return closed ? removed : closed;
}

Status DomainControl::forget(DomId domain) {
    auto const uuid = HV_TRY(uuid_of(domain));
    HV_TRY(close_backends(store_, domain));
    return remove_domain_nodes(store_, domain, uuid.value_or(Uuid{}));
}

Status DomainControl::undo_unfinished_creates() {
    auto const domains = HV_TRY(privcmd_.list_domains());
    for (auto const& text : HV_TRY(children_of(store_, kCreating))) {
        auto const uuid = parse_uuid(text);
        for (auto const& info : domains) {
            if (!uuid || info.id == kDomIdDom0 || info.handle != uuid->bytes || info.is_dying) continue;
            spdlog::info("domain {} ({}) was left half-made: it is removed", info.id.raw(), text);
            HV_TRY(destroy(info.id));
        }
        HV_TRY(store_.remove(fmt::format("{}/{}", kCreating, text)));
    }
    return {};
}

}  // namespace hospes::control
