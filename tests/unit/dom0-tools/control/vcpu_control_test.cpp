// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/vcpu_control.hpp"

#include "dom0-tools/control/store_setup.hpp"
#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/unit/dom0-tools/control/xml_samples.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::control;
using Catch::Matchers::Contains;

namespace {

// A domain with three vcpus, two of them in use, on a machine with two processors.
struct ThreeVcpus {
    FakePrivcmd privcmd;
    xenstore::MemoryStore server;
    xenstore::Client store = server.connect();
    DomainSummary domain;

    explicit ThreeVcpus(std::string const& tune = "") {
        domain.id = *privcmd.create_domain({.max_vcpus = 3});
        domain.name = "web";
        REQUIRE(privcmd.set_max_vcpus(domain.id, 3));
        REQUIRE(write_availability(store, domain.id, 2, 3));
        auto const xml = domain_xml({.more = "<vcpu current='2'>3</vcpu><cputune>" + tune + "</cputune>"});
        REQUIRE(write_record(store, record_path(domain.id), {.name = "web", .uuid = {}, .file = "d.xml", .xml = xml}));
    }
    std::string availability() {
        std::string all;
        for (auto const* const vcpu : {"0", "1", "2"}) all += store.read(domain_path(domain.id) + "/cpu/" + vcpu + "/availability").value_or("?") + " ";
        return all;
    }
    SchedShare share() { return *privcmd.sched_share(domain.id); }
};

}  // namespace

TEST_CASE("vcpus are listed with their state", "[vcpu]") {
    ThreeVcpus w;
    auto const vcpus = list_vcpus(w.privcmd, w.domain);
    REQUIRE(vcpus);
    REQUIRE(vcpus->size() == 3);
    CHECK((*vcpus)[0].state == VcpuState::ready);
    CHECK((*vcpus)[0].cpu_time_ns == 1000);
    CHECK((*vcpus)[2].state == VcpuState::offline);
    CHECK((*vcpus)[2].affinity.hard == CpuSet::all());
    w.domain.state = DomainState::paused;
    CHECK(list_vcpus(w.privcmd, w.domain)->at(0).state == VcpuState::paused);
    w.domain.id = DomId{99};
    CHECK(list_vcpus(w.privcmd, w.domain).error().code() == ESRCH);
}

TEST_CASE("one vcpu is pinned, or all", "[vcpu]") {
    ThreeVcpus w;
    CHECK(pin_vcpus(w.privcmd, w.domain, VcpuId{1}, CpuSet{1}, std::nullopt));
    CHECK(w.privcmd.affinity(w.domain.id, VcpuId{1})->hard == CpuSet{1});
    CHECK(w.privcmd.affinity(w.domain.id, VcpuId{1})->soft == CpuSet::all());
    CHECK(w.privcmd.affinity(w.domain.id, VcpuId{0})->hard == CpuSet::all());
    CHECK(pin_vcpus(w.privcmd, w.domain, std::nullopt, std::nullopt, CpuSet{2}));
    CHECK(w.privcmd.affinity(w.domain.id, VcpuId{0})->soft == CpuSet{2});
    CHECK(w.privcmd.affinity(w.domain.id, VcpuId{1})->hard == CpuSet{1});
}

TEST_CASE("what cannot be pinned is explained", "[vcpu][golden]") {
    ThreeVcpus w;
    auto const error = [&](std::optional<VcpuId> vcpu, std::optional<CpuSet> hard, std::optional<CpuSet> soft) {
        return pin_vcpus(w.privcmd, w.domain, vcpu, hard, soft).error().message();
    };
    CHECK(error(VcpuId{3}, CpuSet{1}, {}) == "domain web has no vcpu 3; it has the vcpus 0 to 2");
    CHECK(error(VcpuId{0}, CpuSet{0b1100}, {}) == "there are no processors 2-3; the machine has 0-1");
    CHECK(error({}, {}, CpuSet{0b100}) == "there are no processors 2; the machine has 0-1");
    CHECK(w.privcmd.domains().at(w.domain.id).affinities.empty());
}

TEST_CASE("as many vcpus are in use as were asked for", "[vcpu]") {
    ThreeVcpus w;
    CHECK(use_vcpus(w.privcmd, w.store, w.domain, 3));
    CHECK(w.availability() == "online online online ");
    CHECK(use_vcpus(w.privcmd, w.store, w.domain, 1));
    CHECK(w.availability() == "online offline offline ");
    for (unsigned const count : {0u, 4u}) {
        CHECK(use_vcpus(w.privcmd, w.store, w.domain, count).error().message() ==
              "domain web has 3 vcpus, so from 1 to 3 can be in use; its description's <vcpu> says how many it has");
    }
    CHECK(w.availability() == "online offline offline ");
    CHECK(w.share().cap == 0);
}

TEST_CASE("the quota of each vcpu follows how many are in use, unless somebody has set a cap", "[vcpu]") {
    ThreeVcpus w{"<quota>50000</quota>"};
    REQUIRE(w.privcmd.set_sched_share(w.domain.id, {.weight = 300, .cap = 100}));  // as at its creation
    CHECK(use_vcpus(w.privcmd, w.store, w.domain, 3));
    CHECK(w.share().cap == 150);
    CHECK(w.share().weight == 300);
    REQUIRE(w.privcmd.set_sched_share(w.domain.id, {.weight = 300, .cap = 70}));
    CHECK(use_vcpus(w.privcmd, w.store, w.domain, 1));
    CHECK(w.share().cap == 70);
}
