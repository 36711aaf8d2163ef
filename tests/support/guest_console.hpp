// SPDX-License-Identifier: Apache-2.0
// A domain's console: what consoled takes it from, and the domain's end of its ring.
#pragma once

#include "dom0-tools/consoled/console.hpp"
#include "dom0-tools/wire/xen_io.hpp"
#include "tests/support/fake_event_channels.hpp"
#include "tests/support/fake_grants.hpp"
#include "tests/support/temporary_folder.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace hospes::test {

struct GuestConsole {
    static constexpr DomId kGuest{3};
    static constexpr EventPort kPort{2};

    GuestConsole() {
        events.offer(kGuest, kPort);
        attach();
    }
    void attach() { console = *consoled::Console::attach({loop, events, grants, folder.path()}, kGuest, "web", kPort); }
    void guest_writes(std::string_view text) {
        for (char const c : text) ring->out[ring->out_prod++ % sizeof ring->out] = c;
        events.fire(events.local_port(kGuest, kPort));
    }
    std::string guest_reads() {
        std::string text;
        while (ring->in_cons != ring->in_prod) text += ring->in[ring->in_cons++ % sizeof ring->in];
        events.fire(events.local_port(kGuest, kPort));
        return text;
    }

    EventLoop loop;
    TemporaryFolder folder;
    FakeEventChannels events;
    FakeGrants grants;
    xencons_interface* ring = reinterpret_cast<xencons_interface*>(grants.grant(kGuest, GrantRef{0}));
    std::unique_ptr<consoled::Console> console;
};

}  // namespace hospes::test
