// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/command_line.hpp"
#include "hypervisor/x86/layout.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <string>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Versions : Stage {
    i64 ask(Vcpu& caller, u64 command, u64 argument) { return World::hypercall(caller, __HYPERVISOR_xen_version, {command, argument}); }
    template <typename Text>
    std::string text(Vcpu& caller, u64 command) {
        auto& buffer = arguments<u8>(sizeof(Text));
        std::memset(&*buffer, 0xff, sizeof(Text));
        CHECK(ask(caller, command, buffer.address()) == 0);
        CHECK(buffer[sizeof(Text) - 1] == 0);
        return reinterpret_cast<char const*>(&*buffer);
    }
};

}  // namespace

TEST_CASE("a guest is told of Xen 4.17's ABI", "[hypercall][version]") {
    Versions w;
    CHECK(w.ask(w.one.vcpu, XENVER_version, 0) == (4 << 16 | 17));
    CHECK(w.text<xen_extraversion_t>(w.one.vcpu, XENVER_extraversion) == ".0-hospes");
    CHECK(w.text<xen_capabilities_info_t>(w.one.vcpu, XENVER_capabilities) == "xen-3.0-x86_64 ");
    CHECK(w.text<xen_changeset_info_t>(w.one.vcpu, XENVER_changeset) == "hospes");
    CHECK(w.text<xen_compile_info_t>(w.one.vcpu, XENVER_compile_info).starts_with("g++"));
    CHECK(w.ask(w.one.vcpu, XENVER_pagesize, 0) == 4096);
    CHECK(w.ask(w.one.vcpu, XENVER_pagesize, kNowhere) == to_abi(Errno::invalid));
    auto& parameters = w.arguments<xen_platform_parameters_t>();
    CHECK(w.ask(w.one.vcpu, XENVER_platform_parameters, parameters.address()) == 0);
    CHECK(parameters->virt_start == kHypervisorStart);
}

TEST_CASE("features tell dom0 from others", "[hypercall][version]") {
    Versions w;
    auto const features = [&](Vcpu& caller) {
        CHECK(w.ask(caller, XENVER_get_features, w.pointer_to(xen_feature_info_t{0, ~0u})) == 0);
        return w.last<xen_feature_info_t>()->submap;
    };
    CHECK((features(w.zero.vcpu) >> XENFEAT_dom0 & 1) == 1);
    CHECK((features(w.one.vcpu) >> XENFEAT_dom0 & 1) == 0);
    CHECK((features(w.one.vcpu) >> XENFEAT_mmu_pt_update_preserve_ad & 1) == 1);
    CHECK((features(w.one.vcpu) >> XENFEAT_writable_page_tables & 1) == 0);
    CHECK_REFUSED(w, Errno::invalid, w.ask(w.one.vcpu, XENVER_get_features, w.pointer_to(xen_feature_info_t{1, 0})));
}

TEST_CASE("only the control domain reads the core's command line", "[hypercall][version]") {
    Versions w;
    set_command_line("com1=115200");
    CHECK(w.text<xen_commandline_t>(w.zero.vcpu, XENVER_commandline) == "com1=115200");
    CHECK(w.text<xen_commandline_t>(w.one.vcpu, XENVER_commandline) == "<denied>");
    std::string const long_line(3000, 'x');
    set_command_line(long_line);
    CHECK(w.text<xen_commandline_t>(w.zero.vcpu, XENVER_commandline) == std::string(sizeof(xen_commandline_t) - 1, 'x'));
    set_command_line({});
}

TEST_CASE("a domain learns its own handle", "[hypercall][version]") {
    Versions w;
    for (unsigned i = 0; i < 16; ++i) w.one.domain.handle[i] = static_cast<u8>(i + 1);
    auto& handle = w.arguments<u8>(16);
    CHECK(w.ask(w.one.vcpu, XENVER_guest_handle, handle.address()) == 0);
    CHECK(handle[15] == 16);
}

TEST_CASE("xen_version refuses what is not there", "[hypercall][version]") {
    Versions w;
    CHECK(w.ask(w.one.vcpu, XENVER_build_id, kNowhere) == to_abi(Errno::no_data));
    CHECK(w.ask(w.one.vcpu, 99, kNowhere) == to_abi(Errno::no_system_call));
    for (u64 const command : {XENVER_extraversion, XENVER_compile_info, XENVER_capabilities, XENVER_changeset, XENVER_platform_parameters,
                              XENVER_get_features, XENVER_guest_handle, XENVER_commandline})
        CHECK(w.ask(w.one.vcpu, command, kNowhere) == to_abi(Errno::fault));
}
