// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/domains.hpp"

#include "xenstore/daemon/server.hpp"

#include <spdlog/spdlog.h>

namespace hospes::xenstore {

namespace {

bool is_usable(std::optional<DomainState> const& state) { return state && !state->is_dying; }

}  // namespace

bool Domains::exists(DomId domain) {
    if (domain == kDomIdDom0 || known_.contains(domain)) return true;
    if (!is_usable(host_.state_of(domain))) return false;
    known_.try_emplace(domain);  // to be cleaned up when it goes
    return true;
}

Connection* Domains::connection_of(DomId domain) const {
    auto const found = known_.find(domain);
    if (found == known_.end() || !found->second.connection) return nullptr;
    return server_.connections().at(*found->second.connection).get();
}

bool Domains::is_introduced(DomId domain) const { return connection_of(domain) != nullptr; }

WireResult<void> Domains::introduce(DomId domain, EventPort port) {
    if (!is_introduced(domain)) return introduce_new(domain, port);
    auto const connected = known_[domain].link->connect(port);
    if (connected) return {};
    spdlog::warn("introduce domain {} again: {}", domain.raw(), connected.error().message());
    return std::unexpected{WireError::invalid};
}

WireResult<void> Domains::introduce_new(DomId domain, EventPort port) {
    if (!exists(domain)) return std::unexpected{WireError::invalid};
    auto& connection = server_.add_connection({.domain = domain, .target = {}, .is_privileged = domain == kDomIdDom0},
                                              fmt::format("domain {}", domain.raw()));
    auto link = host_.open_link(domain, connection);
    auto const connected = link ? (*link)->connect(port) : Status{std::unexpected{link.error()}};
    if (!connected) {
        spdlog::warn("introduce domain {}: {}", domain.raw(), connected.error().message());
        link = std::unique_ptr<DomainLink>{};  // before the connection it points to
        server_.remove_connection(connection.id());
        return std::unexpected{WireError::invalid};
    }
    auto& entry = known_[domain];
    entry.connection = connection.id();
    entry.link = std::move(*link);
    server_.fire_special(kIntroduceDomain);
    return {};
}

WireResult<void> Domains::release(DomId domain) {
    if (!is_introduced(domain)) return std::unexpected{WireError::not_found};
    forget(domain);
    server_.fire_special(kReleaseDomain);
    return {};
}

void Domains::forget(DomId domain) {
    auto entry = known_.extract(domain);
    entry.mapped().link.reset();
    if (auto const connection = entry.mapped().connection) server_.remove_connection(*connection);
    server_.forget_domain(domain);
}

WireResult<void> Domains::resume(DomId domain) {
    if (!is_introduced(domain)) return std::unexpected{WireError::not_found};
    known_[domain].is_shutdown = false;
    return {};
}

WireResult<void> Domains::set_target(DomId domain, DomId target) {
    auto* const connection = connection_of(domain);
    if (!connection || !is_introduced(target)) return std::unexpected{WireError::not_found};
    connection->set_target(target);
    return {};
}

void Domains::scan() {
    std::vector<DomId> gone;
    bool has_news = false;
    for (auto& [domain, entry] : known_) {
        if (domain == kDomIdDom0) continue;
        auto const state = host_.state_of(domain);
        if (!is_usable(state)) {
            gone.push_back(domain);
        } else if (state->is_shutdown && !std::exchange(entry.is_shutdown, true)) {
            has_news = true;
        }
    }
    for (auto const domain : gone) forget(domain);
    if (has_news || !gone.empty()) server_.fire_special(kReleaseDomain);
}

}  // namespace hospes::xenstore
