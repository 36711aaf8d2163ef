// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/console_list.hpp"

#include "dom0-tools/backend/device_nodes.hpp"

#include <spdlog/spdlog.h>

namespace hospes::consoled {
namespace {

std::string domain_path(DomId domain) { return fmt::format("/local/domain/{}", domain.raw()); }

}  // namespace

ConsoleList::ConsoleList(ConsolePorts ports, xenstore::Client const& store, std::function<void()> on_attached)
    : ports_{std::move(ports)}, store_{store}, on_attached_{std::move(on_attached)} {}

Status ConsoleList::start() {
    introduce_watch_ = HV_TRY(store_.watch("@introduceDomain", [this](std::string_view) { rescan(Reason::introduced); }));
    release_watch_ = HV_TRY(store_.watch("@releaseDomain", [this](std::string_view) { rescan(Reason::released); }));
    return {};
}

void ConsoleList::rescan(Reason reason) {
    std::set<DomId> present;
    for (auto const& name : store_.directory("/local/domain").value_or(std::vector<std::string>{})) {
        auto const id = backend::parse_number<std::uint16_t>(name);
        if (id && *id != 0) present.insert(DomId{*id});
    }
    for (auto const domain : present) {
        // A domain that comes is no news of those that are served: a create is to cost the same however many there are.
        if (reason == Reason::introduced && is_served(domain)) continue;
        auto const status = look_at(domain);
        if (!status) spdlog::error("{}", status.error().message());
    }
    std::erase_if(entries_, [&](auto const& item) { return !present.contains(item.first); });
}

bool ConsoleList::is_served(DomId domain) const {
    auto const entry = entries_.find(domain);
    return entry != entries_.end() && entry->second.console;
}

Status ConsoleList::look_at(DomId domain) {
    if (!HV_TRY(store_.is_introduced(domain))) {
        auto const gone = entries_.extract(domain);  // its last words are shown before its readers are told
        if (gone && gone.mapped().console) {
            gone.mapped().console->drain();
            spdlog::info("console of domain {} ({}): closed", domain.raw(), gone.mapped().console->name());
        }
        return {};
    }
    auto& entry = entries_[domain];
    if (!entry.watch) {
        entry.watch = HV_TRY(store_.watch(domain_path(domain) + "/console", [this, domain](std::string_view) {
            auto const status = look_at(domain);
            if (!status) spdlog::error("{}", status.error().message());
        }));
    }
    if (entry.console) return {};
    auto const status = attach(domain, entry);
    if (status || std::exchange(entry.has_failed, true)) return {};
    return status;
}

Status ConsoleList::attach(DomId domain, Entry& entry) {
    auto const path = domain_path(domain);
    auto const type = HV_TRY(store_.read_if_present(path + "/console/type"));
    auto const ring = HV_TRY(store_.read_if_present(path + "/console/ring-ref"));
    auto const port_text = HV_TRY(store_.read_if_present(path + "/console/port"));
    auto const port = backend::parse_number<std::uint32_t>(port_text.value_or(""));
    if (!ring || !port || (type && *type != "xenconsoled")) return {};
    auto const name = HV_TRY(store_.read_if_present(path + "/name")).value_or(fmt::format("domain-{}", domain.raw()));
    entry.console = HV_TRY(Console::attach(ports_, domain, name, EventPort{*port}));
    entry.has_failed = false;
    spdlog::info("console of domain {} ({}): attached, tty {}", domain.raw(), name, entry.console->tty().empty() ? "none" : entry.console->tty());
    if (!entry.console->tty().empty()) HV_TRY(store_.write(path + "/console/tty", entry.console->tty()));
    on_attached_();
    return {};
}

Console* ConsoleList::find(std::string_view name_or_id) {
    auto const id = backend::parse_number<std::uint16_t>(name_or_id);
    for (auto const& [domain, entry] : entries_) {
        if (!entry.console) continue;
        if (entry.console->name() == name_or_id || (id && domain.raw() == *id)) return entry.console.get();
    }
    return nullptr;
}

bool ConsoleList::may_come(std::string_view name_or_id) const {
    if (auto const id = backend::parse_number<std::uint16_t>(name_or_id)) return store_.exists(domain_path(DomId{*id})).value_or(false);
    for (auto const& domain : store_.directory("/local/domain").value_or(std::vector<std::string>{})) {
        auto const name = store_.read_if_present("/local/domain/" + domain + "/name");
        if (name && *name && **name == name_or_id) return true;
    }
    return false;
}

}  // namespace hospes::consoled
