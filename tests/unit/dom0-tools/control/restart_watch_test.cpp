// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/restart_watch.hpp"

#include "dom0-tools/control/domain_record.hpp"
#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/unit/dom0-tools/control/xml_samples.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::control;

namespace {

// A domain that has been told to reboot; what hospesd does is done by hand.
struct Rebooting {
    FakePrivcmd privcmd{1024};
    xenstore::MemoryStore server;
    xenstore::Client store = server.connect();
    Uuid uuid{{1, 2, 3}};
    DomId old = create();

    DomId create() {
        auto const id = privcmd.create_domain({.handle = uuid.bytes});
        REQUIRE(id);
        return *id;
    }
    void record(std::string const& path, std::string const& actions = "") {
        REQUIRE(write_record(store, path, {.name = "d", .uuid = uuid, .file = "d.xml", .xml = domain_xml({.more = actions})}));
    }
    RestartWatch watch(bool is_ours = true) {
        return {privcmd, store, {.id = old, .name = "d", .uuid = uuid, .state = DomainState::running, .vcpus = 1, .memory_bytes = 0, .cpu_time_ns = 0, .is_ours = is_ours}};
    }
    void end() { REQUIRE(privcmd.destroy_domain(old)); }
};

}  // namespace

TEST_CASE("a domain is back when another number has its uuid and its restart is over", "[control]") {
    Rebooting domain;
    domain.record(record_path(domain.old));
    auto watch = domain.watch();
    CHECK(watch.is_back() == false);
    domain.privcmd.shut_down(domain.old, SHUTDOWN_reboot);
    CHECK(watch.is_back() == false);
    domain.record(restarting_path(domain.uuid));
    domain.end();
    for (int look = 0; look < 5; ++look) CHECK(watch.is_back() == false);
    (void)domain.create();
    CHECK(watch.is_back() == false);  // it is being built
    REQUIRE(domain.store.remove(restarting_path(domain.uuid)));
    CHECK(watch.is_back() == true);
}

TEST_CASE("a domain that has ended and has no restart before it does not come back", "[control]") {
    Rebooting domain;
    auto watch = domain.watch();
    domain.end();
    CHECK(watch.is_back() == false);  // it may have been created between two questions
    auto const gone = watch.is_back();
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code() == ECANCELED);
}

TEST_CASE("a domain that its description keeps does not come back", "[control]") {
    Rebooting domain;
    domain.record(record_path(domain.old), "<on_reboot>preserve</on_reboot>");
    auto watch = domain.watch();
    domain.privcmd.shut_down(domain.old, SHUTDOWN_reboot);
    auto const kept = watch.is_back();
    REQUIRE_FALSE(kept);
    CHECK(kept.error().code() == ECANCELED);
}

TEST_CASE("a domain that has ended, some of its memory held, keeps nobody from coming back", "[control]") {
    Rebooting domain;
    domain.record(record_path(domain.old));
    auto watch = domain.watch();
    domain.privcmd.shut_down(domain.old, SHUTDOWN_reboot);
    domain.record(restarting_path(domain.uuid));
    domain.privcmd.linger(domain.old);
    REQUIRE(domain.store.remove(record_path(domain.old)));
    CHECK(watch.is_back() == false);
    (void)domain.create();
    REQUIRE(domain.store.remove(restarting_path(domain.uuid)));
    CHECK(watch.is_back() == true);
}

TEST_CASE("another toolstack's domain has only to end", "[control]") {
    Rebooting domain;
    auto watch = domain.watch(false);
    CHECK(watch.is_back() == false);
    domain.end();
    CHECK(watch.is_back() == true);
}
