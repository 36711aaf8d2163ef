// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/hospesd/life_cycle.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

namespace hospes::hospesd {

using control::LifecycleAction;

// A domain that crashes younger than this would only crash again and again.
constexpr std::chrono::seconds kLeastAge{10};

// One that ends younger than this in another way starts again when it is as old, and can be destroyed meanwhile. There would
// be time for nothing else if it went on like that. (Of seconds that have begun: 2 to 3 have passed.)
constexpr std::chrono::seconds kLeastAgeToRestart{3};

Result<LifeCycle::Wait> LifeCycle::look() {
    Wait soonest;
    auto const infos = HV_TRY(privcmd_.list_domains());
    for (auto const domain : HV_TRY(control::recorded_domains(store_))) {
        std::optional<DomainInfo> info;
        for (auto const& each : infos) {
            if (each.id == domain) info = each;
        }
        // One domain's trouble is not another's.
        auto const wait = look_at(domain, info);
        if (!wait) spdlog::error("domain {}: {}", domain.raw(), wait.error().message());
        else if (*wait) soonest = std::min(**wait, soonest.value_or(**wait));
    }
    return soonest;
}

Result<LifeCycle::Wait> LifeCycle::look_at(DomId domain, std::optional<DomainInfo> const& info) {
    auto const record = HV_TRY(control::read_record(store_, domain));
    if (!record) return Wait{};
    // A domain that got a number of an older one is not the recorded one.
    bool const is_gone = !info || info->is_dying || info->handle != record->uuid.bytes;
    if (is_gone) {
        spdlog::info("domain {} ({}) has ended: its traces are removed", domain.raw(), record->name);
        HV_TRY(control_.forget(domain));
        return Wait{};
    }
    if (!info->is_shutdown) return Wait{};
    return end_of(domain, *record, info->shutdown_reason);
}

Result<LifeCycle::Wait> LifeCycle::end_of(DomId domain, control::DomainRecord const& record, unsigned reason) {
    auto const description = HV_TRY(control::read_domain_xml(record.xml, record.file));
    auto action = control::action_for(description.config, reason);
    if (!action || action == LifecycleAction::preserve) return Wait{};
    bool const has_crashed = reason == SHUTDOWN_crash || reason == SHUTDOWN_watchdog;
    if (action == LifecycleAction::restart) {
        auto const age = HV_TRY(control::age_of(store_, domain));
        if (!has_crashed && age < kLeastAgeToRestart) return Wait{kLeastAgeToRestart - age};
        if (has_crashed && age < kLeastAge) {
            spdlog::error("domain {} ({}) has crashed right after its start: it is not started again", domain.raw(), record.name);
            action = LifecycleAction::destroy;
        }
    }
    spdlog::info("domain {} ({}) has shut down (reason {}): {}", domain.raw(), record.name, reason, to_string(*action));
    HV_TRY(action == LifecycleAction::restart ? restart(domain, record) : control_.destroy(domain));
    return Wait{};
}

Status LifeCycle::restart(DomId domain, control::DomainRecord const& record) {
    auto const path = control::restarting_path(record.uuid);
    HV_TRY(store_.transact([&](xenstore::StoreView const& transaction) { return control::write_record(transaction, path, record); }));
    HV_TRY(control_.destroy(domain));
    auto const started = start_again(record);
    auto const removed = store_.remove(path);
    return started ? removed : started;
}

// The daemons let go of disks and network devices a moment after the domain is gone.
Status LifeCycle::start_again(control::DomainRecord const& record) {
    constexpr int kAttempts = 10;
    constexpr std::chrono::milliseconds kPause{300};
    for (int attempt = 1;; ++attempt) {
        auto const created = control_.create({.xml = record.xml, .file = record.file, .uuid = record.uuid});
        if (created) return {};
        bool const may_pass = created.error().code() == EEXIST || created.error().code() == EBUSY ||
                              created.error().code() == ENOMEM;
        if (!may_pass || attempt == kAttempts) return std::unexpected(created.error());
        std::this_thread::sleep_for(kPause);
    }
}

// First those that are there: what is left of a domain goes before one with its uuid comes.
Status LifeCycle::take_over() {
    HV_TRY(look());
    auto const infos = HV_TRY(privcmd_.list_domains());
    for (auto const& uuid : HV_TRY(control::children_of(store_, control::kRestarting))) {
        auto const path = fmt::format("{}/{}", control::kRestarting, uuid);
        if (auto const done = go_on_with_restart(path, infos); !done) spdlog::error("start domain {} again: {}", uuid, done.error().message());
        HV_TRY(store_.remove(path));
    }
    return {};
}

Status LifeCycle::go_on_with_restart(std::string const& path, std::span<DomainInfo const> infos) {
    auto const record = HV_TRY(control::read_record(store_, path));
    if (!record) return {};
    bool const is_there = std::ranges::any_of(infos, [&](DomainInfo const& info) { return !info.is_dying && info.handle == record->uuid.bytes; });
    if (is_there) return {};  // it was started, or not yet ended
    spdlog::info("domain {} was about to start again: it does", record->name);
    return start_again(*record);
}

}  // namespace hospes::hospesd
