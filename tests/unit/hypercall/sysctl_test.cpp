// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/abi/hospes_sysctl.hpp"
#include "tests/support/hypervisor/fake_console.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <string>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Facts : Stage {
    xen_sysctl& answer() { return *last<xen_sysctl>(); }
    std::string log(u32 count, bool clear = false, bool incremental = false, u32 index = 0) {
        auto& buffer = arguments<char>(count);
        CHECK(sysctl(XEN_SYSCTL_readconsole, [&](auto& u) {
            u.readconsole.clear = clear ? 1 : 0;
            u.readconsole.incremental = incremental ? 1 : 0;
            u.readconsole.index = index;
            u.readconsole.count = count;
            u.readconsole.buffer.p = reinterpret_cast<char*>(buffer.address());
        }) == 0);
        u32 const size = answer().u.readconsole.count;
        return {&buffer[0], size};
    }
};

}  // namespace

TEST_CASE("the log is read from its start, on from where it was, and cleared", "[hypercall][sysctl]") {
    Facts w;
    std::string const text = std::string(600, 'a') + std::string(600, 'b');
    console().log_ring = text;
    CHECK(w.log(2000) == text);
    CHECK(w.log(700) == text.substr(0, 700));
    u32 const index = w.answer().u.readconsole.index;
    CHECK(index == 700);
    CHECK(w.log(2000, false, true, index) == text.substr(700));
    CHECK(w.log(2000, true) == text);
    CHECK(w.log(2000).empty());
}

TEST_CASE("physinfo tells the machine's memory", "[hypercall][sysctl]") {
    Facts w;
    CHECK(w.sysctl(XEN_SYSCTL_physinfo, [](auto& u) { u.physinfo.scrub_pages = 99; }) == 0);
    auto const& info = w.answer().u.physinfo;
    CHECK(info.total_pages == 639);
    CHECK(info.free_pages == w.heap.free_pages());
    CHECK(info.scrub_pages == 0);
    CHECK(info.max_mfn == w.ram.frames().limit() - 1);
    CHECK((info.capabilities & XEN_SYSCTL_PHYSCAP_pv) != 0);
    CHECK((info.capabilities & XEN_SYSCTL_PHYSCAP_hvm) == 0);
}

TEST_CASE("getdomaininfolist tells of as many domains as were asked for", "[hypercall][sysctl]") {
    Facts w;
    auto const list = [&](u16 first, u32 most) {
        auto& buffer = w.arguments<xen_domctl_getdomaininfo>(4);
        CHECK(w.sysctl(XEN_SYSCTL_getdomaininfolist, [&](auto& u) {
            u.getdomaininfolist.first_domain = first;
            u.getdomaininfolist.max_domains = most;
            u.getdomaininfolist.buffer.p = reinterpret_cast<xen_domctl_getdomaininfo*>(buffer.address());
        }) == 0);
        std::vector<unsigned> ids;
        for (u32 i = 0; i < w.answer().u.getdomaininfolist.num_domains; ++i) ids.push_back(buffer[i].domain);
        return ids;
    };
    CHECK(list(0, 4) == std::vector<unsigned>{0, 1, 2});
    CHECK(list(1, 4) == std::vector<unsigned>{1, 2});
    CHECK(list(0, 2) == std::vector<unsigned>{0, 1});
    CHECK(list(3, 4).empty());
}

TEST_CASE("debug keys write to the log", "[hypercall][sysctl]") {
    Facts w;
    auto const press = [&](std::string const& keys) {
        auto& buffer = w.arguments<char>(keys.size() + 1);
        std::copy(keys.begin(), keys.end(), &buffer[0]);
        return w.sysctl(XEN_SYSCTL_debug_keys, [&](auto& u) {
            u.debug_keys.keys.p = reinterpret_cast<char*>(buffer.address());
            u.debug_keys.nr_keys = static_cast<u32>(keys.size());
        });
    };
    machine().log.clear();
    CHECK(press("c") == 0);
    REQUIRE(machine().log.size() == 1);
    CHECK(machine().log[0].find(": 0 differences") != std::string::npos);
    CHECK(press("qr") == 0);
    CHECK(press(std::string(17, 'q')) == to_abi(Errno::invalid));
}

TEST_CASE("a check in steps tells what it has seen and found", "[hypercall][sysctl]") {
    Facts w;
    auto const step = [&](u32 number) {
        return w.sysctl(kHospesSysctlCheck, [&](auto& u) {
            HospesCheck const check{number, 0, 0, 0, 0, 0};
            std::memcpy(&u, &check, sizeof check);
        });
    };
    auto const answer = [&] {
        HospesCheck check;
        std::memcpy(&check, &w.answer().u, sizeof check);
        return check;
    };
    REQUIRE(step(0) == 0);
    CHECK(answer().steps == 2);
    CHECK(answer().differences == 0);
    REQUIRE(step(1) == 0);
    CHECK(answer().frames == 639);
    CHECK(answer().tables == 12);
    CHECK(answer().differences == 0);
    w.one.domain.total_pages += 1;
    REQUIRE(step(0) == 0);
    CHECK(answer().differences == 1);
    w.one.domain.total_pages -= 1;
    CHECK(step(2) == to_abi(Errno::invalid));
}

TEST_CASE("the version and the command of a sysctl must be known", "[hypercall][sysctl]") {
    Facts w;
    xen_sysctl request{};
    request.cmd = XEN_SYSCTL_physinfo;
    request.interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
    CHECK_REFUSED(w, Errno::access, World::hypercall(w.zero.vcpu, __HYPERVISOR_sysctl, {w.pointer_to(request)}));
    CHECK_REFUSED(w, Errno::no_system_call, w.sysctl(999, [](auto&) {}));
    CHECK_REFUSED(w, Errno::fault, World::hypercall(w.zero.vcpu, __HYPERVISOR_sysctl, {kNowhere}));
}
