// SPDX-License-Identifier: Apache-2.0
// Domain 5 and the real server of the store, with the domain's ring between them: who uses it is the domain's kernel.
#pragma once

#include "tests/support/fake_event_channels.hpp"
#include "xenstore/daemon/server.hpp"
#include "xenstore/testing/memory_store.hpp"
#include "xenstore/transport/ring_transport.hpp"

#include <memory>
#include <string_view>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace hospes::test {

struct StoreGuest {
    static constexpr DomId kGuest{5};
    static constexpr EventPort kPort{3};
    static constexpr std::string_view kHome = "/local/domain/5/data";

    explicit StoreGuest(std::string_view value = "") {
        channels.offer(kGuest, kPort);
        make(kHome, value, kGuest);
    }
    void make(std::string_view where, std::string_view value, DomId owner) {
        auto const path = *xenstore::Path::parse(where, "/");
        server.tree().create(path, value, std::nullopt);
        server.tree().set_permissions(path, xenstore::private_to(owner));
    }
    bool connect() {
        xenstore::RingTransport::Environment environment{channels, loop, flushes, [this] { flushes.run(); }};
        link = std::make_unique<xenstore::RingTransport>(kGuest, std::make_unique<Page>(page), connection, std::move(environment));
        return link->connect(kPort).has_value();
    }
    // The event, and as many turns of the server as `turns`: it puts off some of its work.
    void kick(int turns) {
        channels.fire(channels.local_port(kGuest, kPort));
        for (int i = 0; i < turns; ++i) loop.run_once(false);
    }
    // Takes from `bytes` what the ring has room for.
    void put(std::string_view& bytes) {
        while (!bytes.empty() && page.req_prod - page.req_cons < xenstore::kStoreRingSize) {
            page.req[page.req_prod++ % xenstore::kStoreRingSize] = bytes.front();
            bytes.remove_prefix(1);
        }
    }

    EventLoop loop;
    xenstore::FlushList flushes;
    FakeEventChannels channels;
    xenstore::FakeDomainHost host;
    xenstore::Server server{host, xenstore::Quotas{}};
    xenstore_domain_interface page{};
    xenstore::Connection& connection{server.add_connection({.domain = kGuest, .target = {}}, "domain 5")};
    std::unique_ptr<xenstore::RingTransport> link;

private:
    class Page final : public xenstore::RingPage {
    public:
        explicit Page(xenstore_domain_interface& page) : page_{page} {}
        xenstore_domain_interface& page() override { return page_; }

    private:
        xenstore_domain_interface& page_;
    };
};

}  // namespace hospes::test
