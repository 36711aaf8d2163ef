// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/stage.hpp"

#include "hypervisor/core/time/guest_time.hpp"
#include "tests/support/hypervisor/fake_console.hpp"
#include "tests/support/hypervisor/fake_guest_cpu.hpp"
#include "tests/support/hypervisor/fake_pirq.hpp"
#include "tests/support/hypervisor/grants.hpp"

namespace hospes::test {

Stage::Stage() : World{640}, zero{furnish(dom0())}, one{furnish(add_domain(1, 2))}, two{furnish(add_domain(2))} {
    pirqs() = FakePirqs{};
    console() = FakeConsole{};
    guest_cpu() = FakeGuestCpu{};
    set_wall_clock({.seconds = 1'000'000, .nanoseconds = 0});
    write_wall_clock_everywhere(system);
    for (u32 ref = 0; ref < one.pages.size(); ++ref) GrantWorld::grant(one.domain, ref, two.domain, one.pages[ref]);
}

Stage::Home Stage::furnish(Domain& domain) {
    Vcpu& vcpu = *domain.vcpus[0];
    Home home{domain, vcpu, make_address_space(*this, vcpu), {}};
    for (unsigned i = 0; i < 8; ++i) home.pages.push_back(populate(domain));
    (void)domain.events.reserve().take();
    domain.grants.grow(1).take();
    Maptrack& maptrack = domain.grants.maptrack();
    maptrack.release(maptrack.reserve().value());
    return home;
}

}  // namespace hospes::test
