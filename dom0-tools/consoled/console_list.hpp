// SPDX-License-Identifier: Apache-2.0
// The consoles of all domains. What there is to serve is found in the store each time something changes, and at start, so a
// daemon that was killed goes on where it was.
#pragma once

#include "dom0-tools/consoled/console.hpp"
#include "xenstore/client/client.hpp"

#include <map>

namespace hospes::consoled {

class ConsoleList {
public:
    // `store` must outlive the list. `on_attached` is called whenever a console has come.
    ConsoleList(ConsolePorts ports, xenstore::Client const& store, std::function<void()> on_attached);

    Status start();

    // By the domain's name or number; null if there is none (yet).
    Console* find(std::string_view name_or_id);
    // Whether such a domain is there, or being built: its console may come.
    bool may_come(std::string_view name_or_id) const;

private:
    struct Entry {
        xenstore::Watch watch;              // of /local/domain/N/console
        std::unique_ptr<Console> console;   // null until the domain's nodes are complete
        bool has_failed = false;            // said once; tried again when its nodes change
    };

    enum class Reason : std::uint8_t { introduced, released };
    void rescan(Reason reason);
    bool is_served(DomId domain) const;
    Status look_at(DomId domain);
    Status attach(DomId domain, Entry& entry);

    ConsolePorts ports_;
    xenstore::Client const& store_;
    std::function<void()> on_attached_;
    std::map<DomId, Entry> entries_;
    xenstore::Watch introduce_watch_;
    xenstore::Watch release_watch_;
};

}  // namespace hospes::consoled
