// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/usage.hpp"

#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/support/temporary_folder.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace hospes;
using namespace hospes::cli;
using namespace std::chrono_literals;

namespace {

DomainSample sample(unsigned id, std::uint64_t cpu_time_ns, Traffic disks = {}, Traffic network = {}) {
    DomainSample each{.domain = {}, .disks = disks, .network = network};
    each.domain.id = DomId{static_cast<std::uint16_t>(id)};
    each.domain.name = "d" + std::to_string(id);
    each.domain.cpu_time_ns = cpu_time_ns;
    each.domain.vcpus = 2;
    each.domain.memory_bytes = 256u << 20;
    return each;
}

}  // namespace

TEST_CASE("two looks at the domains tell what they use", "[cli][top]") {
    Sample const before{10s, {sample(1, 1'000'000'000, {1000, 0}), sample(2, 0)}, 2};
    Sample const after{12s, {sample(1, 2'000'000'000, {5000, 2048}, {10, 20}), sample(2, 3'000'000'000), sample(3, 77)}, 4};
    auto const usage = usage_between(before, after);
    REQUIRE(usage.domains.size() == 3);
    CHECK(usage.domains[0].domain.name == "d2");  // who uses most
    CHECK(usage.domains[0].cpu_percent == Approx(150));
    CHECK(usage.domains[1].cpu_percent == Approx(50));
    CHECK(usage.domains[1].disk_rate.in == 2000);
    CHECK(usage.domains[1].disk_rate.out == 1024);
    CHECK(usage.domains[1].network_rate.in == 5);
    CHECK(usage.domains[1].network_rate.out == 10);
    CHECK(usage.domains[2].cpu_percent == 0);  // not known yet
    CHECK(usage.busy_percent == Approx(50));
}

TEST_CASE("counters that start anew, and numbers that were given to others, tell nothing", "[cli][top]") {
    Sample const before{10s, {sample(1, 5'000'000'000, {5000, 5000}), sample(2, 100)}, 1};
    Sample after{11s, {sample(1, 6'000'000'000, {100, 5001}), sample(2, 900'000'000)}, 0};
    after.domains[1].domain.uuid.bytes[0] = 1;
    auto const usage = usage_between(before, after);
    CHECK(usage.domains[0].disk_rate.in == 0);
    CHECK(usage.domains[0].disk_rate.out == 1);
    CHECK(usage.domains[1].cpu_percent == 0);
    CHECK(usage.busy_percent == 100);
    CHECK(usage_between(before, before).domains[0].cpu_percent == 0);  // no time has passed
    CHECK(usage_between({}, after).domains.size() == 2);
}

TEST_CASE("a look finds the counters of disks and network cards", "[cli][top]") {
    FakePrivcmd privcmd;
    xenstore::MemoryStore server;
    auto const store = server.connect();
    test::TemporaryFolder const folder;
    CounterPaths const paths{folder.path() + "/disks", folder.path() + "/net"};
    auto const id = *privcmd.create_domain({});
    for (auto const* const node : {"vbd/1/51712/dev", "vbd/1/51728/dev"}) REQUIRE(store.write("/local/domain/0/backend/" + std::string{node}, "x"));
    REQUIRE(store.write("/local/domain/0/backend/vif/1/0/vifname", "web0"));
    auto counters = DiskCounters::create(paths.disks, id, 51712);
    counters->count_read(100);
    counters->count_write(7);
    std::filesystem::create_directories(paths.network + "/web0/statistics");
    std::ofstream{paths.network + "/web0/statistics/tx_bytes"} << "300\n";
    std::ofstream{paths.network + "/web0/statistics/rx_bytes"} << "40\n";
    auto const look = take_sample(privcmd, &store, paths);
    REQUIRE(look);
    REQUIRE(look->domains.size() == 2);
    CHECK(look->processors == 2);
    CHECK(look->domains[1].disks.in == 100);
    CHECK(look->domains[1].disks.out == 7);
    CHECK(look->domains[1].network.in == 300);  // what dom0's end has sent
    CHECK(look->domains[1].network.out == 40);
    CHECK(take_sample(privcmd, nullptr, paths)->domains[1].disks.in == 0);
}

TEST_CASE("usage is shown as a table and as JSON", "[cli][top][golden]") {
    MachineUsage usage{.domains = {}, .busy_percent = 12.34, .processors = 2};
    auto const each = sample(5, 1'500'000'000);
    usage.domains.push_back({.domain = each.domain, .cpu_percent = 99.96, .disk_rate = {512, 3 << 20}, .network_rate = {2048, 0}});
    CHECK(to_table(usage) ==
          "1 domains, 2 processors, 12.3 % busy\n"
          "NAME         ID  STATE      CPU %  VCPUS     MEMORY       DISK R / W     NET IN / OUT\n"
          "d5            5  running    100.0      2    256 MiB   512 B /  3.0 M     2 K /    0 B\n");
    auto const json = to_json(usage);
    CHECK(json["busy_percent"] == 12.34);
    CHECK(json["domains"][0]["cpu_percent"] == 99.96);
    CHECK(json["domains"][0]["disk_write_bytes_per_s"] == 3 << 20);
    CHECK(json["domains"][0]["network_in_bytes_per_s"] == 2048);
    CHECK(json["domains"][0]["memory_bytes"] == 256u << 20);
    CHECK(json["domains"][0]["state"] == "running");
}
