// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/cpu_tune.hpp"

#include "dom0-tools/control/domain_xml.hpp"
#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/unit/dom0-tools/control/xml_samples.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::control;

namespace {

DomainConfig config_of(std::string const& more) {
    auto const read = read_domain_xml(domain_xml({.more = more}), "d.xml");
    INFO((read ? "" : read.error().message()));
    REQUIRE(read);
    CHECK(read->warnings.empty());
    return read->config;
}

std::string error_of(std::string const& more) {
    auto const read = read_domain_xml(domain_xml({.more = more}), "d.xml");
    return read ? "no error" : read.error().message();
}

// Of a domain that uses `used` of its four vcpus.
unsigned cap_of_xml(std::string const& tune, unsigned used) { return cap_of(config_of("<vcpu>4</vcpu><cputune>" + tune + "</cputune>").cpu_tune, used, 4); }

}  // namespace

TEST_CASE("a domain has one vcpu, and no share of its own, unless it says so", "[xml][cputune]") {
    auto const config = config_of("");
    CHECK(config.vcpus == 1);
    CHECK(config.online_vcpus == 1);
    CHECK_FALSE(config.cpu_tune.weight);
    CHECK(config.cpu_tune.pins.empty());
    CHECK(cap_of(config.cpu_tune, 1, 1) == 0);
}

TEST_CASE("some of the vcpus are in use at the start", "[xml][cputune]") {
    CHECK(config_of("<vcpu>3</vcpu>").online_vcpus == 3);
    auto const config = config_of("<vcpu current='2' placement='static'>32</vcpu>");
    CHECK(config.vcpus == 32);
    CHECK(config.online_vcpus == 2);
}

TEST_CASE("cpuset is for all vcpus, vcpupin for one", "[xml][cputune]") {
    auto const config = config_of("<vcpu cpuset='0-3,^2'>3</vcpu><cputune><vcpupin vcpu='1' cpuset='2'/></cputune>");
    REQUIRE(config.cpu_tune.pins.size() == 3);
    for (unsigned vcpu = 0; vcpu < 3; ++vcpu) {
        CHECK(config.cpu_tune.pins[vcpu].vcpu == vcpu);
        CHECK(config.cpu_tune.pins[vcpu].cpus.bits() == (vcpu == 1 ? 0b100 : 0b1011));
    }
    auto const one = config_of("<vcpu>3</vcpu>\n<cputune>\n<vcpupin vcpu='2' cpuset='5'/></cputune>").cpu_tune.pins;
    REQUIRE(one.size() == 1);
    CHECK(one[0].vcpu == 2);
    CHECK(one[0].line == 7);
}

TEST_CASE("shares are the weight", "[xml][cputune]") {
    CHECK(config_of("<cputune><shares>512</shares></cputune>").cpu_tune.weight == 512);
    CHECK(config_of("<cputune><shares>65535</shares></cputune>").cpu_tune.weight == 65535);
}

TEST_CASE("a quota of each vcpu is a cap of the domain", "[xml][cputune]") {
    CHECK(cap_of_xml("<period>100000</period><quota>50000</quota>", 1) == 50);
    CHECK(cap_of_xml("<period>100000</period><quota>50000</quota>", 4) == 200);
    CHECK(cap_of_xml("<quota>25000</quota>", 2) == 50);                          // libvirt's period
    CHECK(cap_of_xml("<period>0</period><quota>25000</quota>", 2) == 50);
    CHECK(cap_of_xml("<period>1000000</period><quota>1000</quota>", 1) == 1);    // not 0, which is none
    CHECK(cap_of_xml("<period>30000</period><quota>10000</quota>", 1) == 33);
    CHECK(cap_of_xml("<quota>100000</quota>", 2) == 0);                          // as much as there is
    CHECK(cap_of_xml("<quota>17592186044415</quota>", 2) == 0);
    CHECK(cap_of_xml("<period>50000</period>", 2) == 0);
    CHECK(cap_of_xml("<quota>-1</quota>", 2) == 0);
    CHECK(cap_of_xml("<quota>0</quota>", 2) == 0);
}

TEST_CASE("a quota of the whole domain is its cap", "[xml][cputune]") {
    CHECK(cap_of_xml("<global_quota>150000</global_quota>", 4) == 150);
    CHECK(cap_of_xml("<global_quota>150000</global_quota>", 1) == 150);  // it may bring up the others itself
    CHECK(cap_of_xml("<global_quota>400000</global_quota>", 4) == 0);
    CHECK(cap_of_xml("<global_period>10000</global_period><global_quota>5000</global_quota><quota>20000</quota>", 4) == 50);
    CHECK(cap_of_xml("<global_quota>150000</global_quota><quota>20000</quota>", 4) == 80);
}

TEST_CASE("what is wrong about vcpus is said with its line", "[xml][cputune][golden]") {
    auto const in = [](std::string const& what) { return "<vcpu>2</vcpu>\n<cputune>" + what + "</cputune>"; };
    CHECK(error_of("<vcpu>0</vcpu>") == "d.xml:5: <vcpu> is '0'; a domain has from 1 to 32 vcpus");
    CHECK(error_of("<vcpu>33</vcpu>") == "d.xml:5: <vcpu> is '33'; a domain has from 1 to 32 vcpus");
    CHECK(error_of("<vcpu>many</vcpu>") == "d.xml:5: <vcpu> is 'many'; a domain has from 1 to 32 vcpus");
    for (std::string const current : {"0", "3", "-1", "x"}) {
        CHECK(error_of("<vcpu current='" + current + "'>2</vcpu>") ==
              "d.xml:5: <vcpu current='" + current + "'>: from 1 to 2 vcpus, as many as the domain has, are in use at its start");
    }
    CHECK(error_of("<vcpu cpuset='0-'>2</vcpu>") ==
          "d.xml:5: <vcpu cpuset=>: '0-' names no processors; write numbers from 0 to 63 and ranges, as 0-3,^2,7");
    CHECK(error_of("<vcpu cpuset='1,^1'>2</vcpu>") == "d.xml:5: <vcpu cpuset=>: '1,^1' leaves no processor");
    CHECK(error_of(in("<vcpupin vcpu='2' cpuset='0'/>")) == "d.xml:6: <vcpupin vcpu='2'>: the domain has the vcpus 0 to 1");
    CHECK(error_of(in("<vcpupin vcpu='-1' cpuset='0'/>")) == "d.xml:6: <vcpupin vcpu='-1'>: the domain has the vcpus 0 to 1");
    CHECK(error_of(in("<vcpupin vcpu='0' cpuset='64'/>")) ==
          "d.xml:6: <vcpupin cpuset=>: '64' names no processors; write numbers from 0 to 63 and ranges, as 0-3,^2,7");
    CHECK(error_of(in("<vcpupin vcpu='1' cpuset='0'/>\n<vcpupin vcpu='1' cpuset='1'/>")) ==
          "d.xml:7: <vcpupin vcpu='1'> stands here a second time; only one is allowed");
    CHECK(error_of(in("<vcpupin vcpu='1'/>")) == "d.xml:6: <domain><cputune><vcpupin> has no attribute 'cpuset'; its values are: cpuset='0-1'");
    CHECK(error_of(in("<shares>0</shares>")) == "d.xml:6: <shares> is '0'; it is a number from 1 to 65535 (256 is what others have)");
    CHECK(error_of(in("<shares>65536</shares>")) == "d.xml:6: <shares> is '65536'; it is a number from 1 to 65535 (256 is what others have)");
    CHECK(error_of(in("<period>999</period>")) == "d.xml:6: <period> is '999'; it is a number of µs from 1000 to 1000000");
    CHECK(error_of(in("<global_period>1000001</global_period>")) == "d.xml:6: <global_period> is '1000001'; it is a number of µs from 1000 to 1000000");
    CHECK(error_of(in("<quota>999</quota>")) == "d.xml:6: <quota> is '999'; it is a number of µs from 1000, or -1 for no limit");
    CHECK(error_of(in("<quota>-2</quota>")) == "d.xml:6: <quota> is '-2'; it is a number of µs from 1000, or -1 for no limit");
    CHECK(error_of(in("<quota>17592186044416</quota>")) == "d.xml:6: <quota> is '17592186044416'; it is a number of µs from 1000, or -1 for no limit");
    CHECK(error_of(in("<vcpusched vcpus='0' scheduler='fifo'/>")) ==
          "d.xml:6: <domain><cputune><vcpusched> is not supported: all vcpus are scheduled by weight; use <shares>; remove it");
}

TEST_CASE("the hypervisor is told what the description says", "[cputune]") {
    FakePrivcmd privcmd;
    auto const config = config_of("<vcpu current='2'>4</vcpu><cputune><shares>100</shares><quota>50000</quota><vcpupin vcpu='3' cpuset='1,7'/></cputune>");
    auto const domain = *privcmd.create_domain({.max_vcpus = 4});
    REQUIRE(privcmd.set_max_vcpus(domain, 4));
    REQUIRE(check_pinning(config, "d.xml", privcmd));
    REQUIRE(apply_cpu_tune(privcmd, domain, config));
    auto const& told = privcmd.domains().at(domain);
    CHECK(told.share.weight == 100);
    CHECK(told.share.cap == 100);  // of two vcpus
    REQUIRE(told.affinities.size() == 1);
    CHECK(told.affinities.at(VcpuId{3}).hard.bits() == 0b10000010);
    CHECK(told.affinities.at(VcpuId{3}).soft == CpuSet::all());
}

TEST_CASE("nobody is pinned to processors that are not there", "[cputune]") {
    FakePrivcmd privcmd;  // with two processors
    CHECK(check_pinning(config_of(""), "d.xml", privcmd));
    auto const checked = check_pinning(config_of("<vcpu>2</vcpu>\n<cputune><vcpupin vcpu='1' cpuset='2-3'/></cputune>"), "d.xml", privcmd);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message() == "d.xml:6: vcpu 1 is pinned to the processors 2-3; the machine has 0-1");
}
