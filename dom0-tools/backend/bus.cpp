// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/bus.hpp"

#include <spdlog/spdlog.h>

namespace hospes::backend {

struct Bus::Entry {
    DeviceNodes nodes;
    std::unique_ptr<Device> device;
    xenstore::Watch frontend_watch;
    Timer again;  // to be looked at although nothing has changed
    Phase phase = Phase::idle;
    bool is_open = false;
    bool open_failed = false;   // not tried again before the device starts over, or `again` rings
    bool is_misbehaving = false;
    bool is_finishing = false;
    std::string told;           // why open() has failed
};

Bus::Bus(EventLoop& loop, xenstore::Client const& store, std::string kind, DeviceFactory factory, Pacing pacing)
    : loop_{loop},
      store_{store},
      kind_{std::move(kind)},
      root_{"/local/domain/0/backend/" + kind_},
      factory_{std::move(factory)},
      pacing_{pacing},
      worker_{loop.make_timer([this] { work(); })} {}

Bus::~Bus() = default;

Status Bus::start() {
    backend_watch_ = HV_TRY(store_.watch(root_, [this](std::string_view path) { on_backend_event(path); }));
    release_watch_ = HV_TRY(store_.watch("@releaseDomain", [this](std::string_view) { on_domain_gone(); }));
    return {};
}

// <root>/<domain>/<number>[/...] names one device; anything shorter may concern many.
void Bus::on_backend_event(std::string_view path) {
    if (path.size() <= root_.size()) return scan();
    path.remove_prefix(root_.size() + 1);
    auto const slash = path.find('/');
    if (slash == std::string_view::npos) return scan();
    auto const domain = parse_number<std::uint16_t>(path.substr(0, slash));
    auto const rest = path.substr(slash + 1);
    auto const number = parse_number<std::uint32_t>(rest.substr(0, rest.find('/')));
    if (domain && number) mark({DomId{*domain}, *number});
}

void Bus::on_domain_gone() {
    for (auto const& [address, entry] : devices_) mark(address);
}

void Bus::scan() {
    for (auto const& [address, entry] : devices_) mark(address);
    for (auto const& domain_name : store_.directory(root_).value_or(std::vector<std::string>{})) {
        auto const domain = parse_number<std::uint16_t>(domain_name);
        if (!domain) continue;
        for (auto const& name : store_.directory(root_ + "/" + domain_name).value_or(std::vector<std::string>{}))
            if (auto const number = parse_number<std::uint32_t>(name)) mark({DomId{*domain}, *number});
    }
}

// Many events come together, our own writes among them: they are worked off in one go.
void Bus::mark(DeviceAddress address) {
    dirty_.insert(address);
    if (!worker_.is_armed()) worker_.start({});
}

void Bus::work() {
    auto const addresses = std::exchange(dirty_, {});
    for (auto const address : addresses) {
        auto const status = evaluate(address);
        if (!status) spdlog::error("{} {} of domain {}: {}", kind_, address.number, address.domain.raw(), status.error().message());
    }
}

void Bus::look_again(DeviceAddress address) {
    devices_.at(address)->open_failed = false;
    mark(address);
}

Status Bus::evaluate(DeviceAddress address) {
    if (!devices_.contains(address)) {
        if (!HV_TRY(store_.exists(fmt::format("{}/{}/{}/state", root_, address.domain.raw(), address.number)))) {
            forget(address);
            return {};
        }
        HV_TRY(add(address));
    }
    auto& entry = *devices_.at(address);
    if (entry.is_misbehaving) entry.device->disconnect();
    auto const seen = HV_TRY(look(address, entry));
    auto const action = entry.is_finishing && seen.directory_exists ? Action::finish : decide(entry.phase, seen);
    if (action == Action::forget) {
        spdlog::info("{}: removed", entry.nodes.title());
        forget(address);
        return {};
    }
    if (action == Action::probe && seen.own == XenbusState::closed && !may_start_over(address, entry)) return {};
    return perform(entry, action);
}

void Bus::forget(DeviceAddress address) {
    devices_.erase(address);
    start_overs_.erase(address);
}

// A driver may start over whenever it likes. One that does nothing else would keep us from the other devices, and fill the log.
bool Bus::may_start_over(DeviceAddress address, Entry& entry) {
    if (entry.open_failed) return true;  // nothing is going to be done
    auto& past = start_overs_.try_emplace(address, Allowance{pacing_.start_overs_at_once, pacing_.start_over}).first->second;
    auto const wait = past.allowance.take(Allowance::Clock::now());
    if (wait.count() == 0) return true;
    entry.again.start(wait);
    if (!past.is_told) spdlog::warn("{}: its driver starts over again and again; from now on it has to wait for us", entry.nodes.title());
    past.is_told = true;
    return false;
}

Status Bus::add(DeviceAddress address) {
    auto nodes = HV_TRY(DeviceNodes::open(store_, kind_, address));
    auto watch = HV_TRY(store_.watch(nodes.frontend_path() + "/state", [this, address](std::string_view) { mark(address); }));
    auto device = factory_(nodes, {.failed = [this, address](Error const& error) { on_device_failure(address, error); },
                                   .changed = [this, address] { mark(address); }});
    auto again = loop_.make_timer([this, address] { look_again(address); });
    devices_[address] = std::make_unique<Entry>(std::move(nodes), std::move(device), std::move(watch), std::move(again));
    return {};
}

Result<Seen> Bus::look(DeviceAddress address, Entry const& entry) const {
    Seen seen;
    auto const own = HV_TRY(entry.nodes.own("state"));
    seen.directory_exists = own.has_value();
    if (!own) return seen;
    seen.own = parse_state(*own);
    seen.frontend = parse_state(HV_TRY(entry.nodes.frontend("state")).value_or(""));
    seen.is_online = HV_TRY(entry.nodes.own("online")) == "1";
    // A domain is made known to the store before it runs and forgotten when it dies.
    if (entry.phase == Phase::connected || seen.own == XenbusState::connected) seen.is_domain_alive = HV_TRY(store_.is_introduced(address.domain));
    return seen;
}

Status Bus::perform(Entry& entry, Action action) {
    switch (action) {
        case Action::nothing:
            // The toolstack may just have written what open() waits for.
            if (entry.phase == Phase::probed && !entry.is_open && !entry.open_failed) return try_open(entry);
            return {};
        case Action::probe: return probe(entry);
        case Action::connect: return connect(entry, false);
        case Action::reattach: return connect(entry, true);
        case Action::announce_closing:
            entry.device->disconnect();
            entry.phase = Phase::probed;
            return entry.nodes.write_state(XenbusState::closing);
        case Action::finish: return finish(entry);
        case Action::forget: return {};
    }
    return {};
}

// What is behind the device is free before anybody is told so. Once begun, it is gone through with: the ring is no longer served.
Status Bus::finish(Entry& entry) {
    entry.is_finishing = true;
    entry.device->disconnect();
    if (!entry.device->is_at_rest()) {
        entry.again.start(pacing_.rest);
        return {};
    }
    spdlog::info("{}: closed", entry.nodes.title());
    auto const nodes = entry.nodes;
    auto const address = DeviceAddress{nodes.domain(), nodes.number()};
    entry.device = nullptr;
    auto const status = nodes.write_state(XenbusState::closed);
    devices_.erase(address);
    mark(address);
    return status;
}

Status Bus::probe(Entry& entry) {
    if (entry.open_failed) return {};
    HV_TRY(entry.device->probe());
    HV_TRY(try_open(entry));
    if (entry.open_failed) return {};
    entry.phase = Phase::probed;
    return entry.nodes.write_state(XenbusState::init_wait);
}

Status Bus::try_open(Entry& entry) {
    auto const opened = entry.device->open();
    if (!opened) {
        report_open_failure(entry, opened.error());
        return {};
    }
    entry.is_open = *opened;
    if (entry.is_open) return entry.nodes.write("hotplug-status", "connected");
    return {};
}

void Bus::report_open_failure(Entry& entry, Error const& error) {
    entry.open_failed = true;
    auto const sentence = error.within(entry.nodes.title()).message();
    if (std::exchange(entry.told, sentence) == sentence) return;
    spdlog::error("{}", sentence);
    auto const status = entry.nodes.write_all({{"hotplug-error", sentence}, {"hotplug-status", "error"}});
    if (!status) spdlog::error("{}: {}", entry.nodes.title(), status.error().message());
}

Status Bus::connect(Entry& entry, bool is_reattach) {
    if (!entry.is_open && !entry.open_failed) {
        HV_TRY(try_open(entry));
        // Its frontend has been told nothing and waits: it goes on when what is behind it can be opened again.
        if (is_reattach && entry.open_failed) entry.again.start(pacing_.reopen);
    }
    if (!entry.is_open || entry.is_misbehaving) return {};
    auto const connected = entry.device->connect();
    if (!connected) {
        entry.device->disconnect();
        entry.is_misbehaving = true;
        return connected;
    }
    entry.phase = Phase::connected;
    spdlog::info("{}: {}", entry.nodes.title(), is_reattach ? "connected again" : "connected");
    return is_reattach ? Status{} : entry.nodes.write_state(XenbusState::connected);
}

// The device is in the middle of its work: the ring is let go of in the next turn. The frontend sees no state that would make
// it give the device up; it starts over when its driver does.
void Bus::on_device_failure(DeviceAddress address, Error const& error) {
    auto const found = devices_.find(address);
    if (found == devices_.end() || found->second->is_misbehaving) return;
    spdlog::error("{}: {}; it is served no longer until its driver starts over", found->second->nodes.title(), error.message());
    found->second->is_misbehaving = true;
    mark(address);
}

}  // namespace hospes::backend
