// SPDX-License-Identifier: Apache-2.0
// Creating and ending domains, as steps that are taken back when a later one fails.
#pragma once

#include "dom0-tools/control/domain_list.hpp"
#include "dom0-tools/control/domain_xml.hpp"
#include "dom0-tools/control/preflight.hpp"
#include "dom0-tools/control/store_setup.hpp"

#include <chrono>
#include <functional>

namespace hospes::control {

struct Patience {
    std::chrono::milliseconds backends{20'000};  ///< for the disk and network daemons to take a new device
    std::chrono::milliseconds release{5'000};    ///< for them to let go of an ended domain's memory, and then of its devices
};

/// A description that is to be a domain.
struct CreateRequest {
    std::string xml;
    std::string file;           ///< its name in messages
    std::optional<Uuid> uuid;   ///< of a domain that starts again; absent: the description's, or a new one
    bool leave_paused = false;
};

struct CreatedDomain {
    DomId id;
    std::string name;
    std::vector<std::string> warnings;
};

/// Asks a domain's kernel to "poweroff" or "reboot". ENOTSUP if the kernel has not offered to listen.
Status ask_kernel(xenstore::StoreView const& store, DomId domain, std::string const& what);

/// Whether the description of a domain that has shut down says that it is to be kept.
Result<bool> is_preserved(xenstore::StoreView const& store, DomainInfo const& info);

/// The action that a description has for a shutdown reason (SHUTDOWN_poweroff and its kin); nothing for a suspend.
std::optional<LifecycleAction> action_for(DomainConfig const& config, unsigned reason);

/// Reads and unpacks the kernel that a description names, without keeping it: can it be started?
Status check_kernel(DomainConfig const& config, std::string const& file);

class DomainControl {
public:
    DomainControl(Privcmd& privcmd, xenstore::Client& store, HostPaths host, ImageCache cache, Patience patience)
        : privcmd_{privcmd}, store_{store}, host_{std::move(host)}, cache_{std::move(cache)}, patience_{patience} {}

    /// Reads, checks, builds, sets up and starts a domain. On an error nothing of it is left, and the error is one sentence.
    Result<CreatedDomain> create(CreateRequest const& request);

    /// Ends a domain at once and removes what belonged to it. ESRCH: neither it nor a trace of it is there.
    Status destroy(DomId domain);

    /// The same for the domain that has this uuid now: one that starts again gets another number. `last_known`: the number
    /// that it had, if one is known.
    Status destroy(Uuid const& uuid, std::optional<DomId> last_known);

    /// Removes the traces in xenstore of a domain that the hypervisor no longer has.
    Status forget(DomId domain);

    /// Takes back the creates that a killed hospesd did not finish. Call it once, before the first create.
    Status undo_unfinished_creates();

private:
    struct Plan;
    Result<Plan> prepare(CreateRequest const& request);
    Result<DomId> carry_out(Plan const& plan);
    Status set_up_store(DomId domain, Plan const& plan, BuiltDomain const& built);
    Status take_away(DomId domain, Uuid const& uuid);
    Status end_in_hypervisor(DomId domain);
    Result<std::optional<Uuid>> uuid_of(DomId domain);
    Result<DomId> number_of(Uuid const& uuid, std::optional<DomId> last_known);

    Privcmd& privcmd_;
    xenstore::Client& store_;
    HostPaths host_;
    ImageCache cache_;
    Patience patience_;
};

}  // namespace hospes::control
