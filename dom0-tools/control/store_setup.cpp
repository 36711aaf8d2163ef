// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/store_setup.hpp"

#include "dom0-tools/control/domain_record.hpp"

#include <array>

namespace hospes::control {
namespace {

using xenstore::StoreView;

constexpr std::array<std::string_view, 2> kBackendKinds{"vbd", "vif"};
constexpr char kStateInitialising[] = "1";
constexpr char kStateClosing[] = "5";
constexpr char kConsoleLimit[] = "1048576";  // bytes the console daemon keeps for a reader, as xl says

std::string backend_home(std::string_view kind, DomId domain) {
    return fmt::format("/local/domain/0/backend/{}/{}", kind, domain.raw());
}

// Writes nodes below one path.
class Folder {
public:
    Folder(StoreView const& store, std::string path) : store_{store}, path_{std::move(path)} {}

    Status make(xenstore::Permissions const& permissions) const {
        HV_TRY(store_.mkdir(path_));
        return store_.set_permissions(path_, permissions);
    }
    Status write(std::string_view name, std::string_view value) const {
        return store_.write(fmt::format("{}/{}", path_, name), value);
    }
    template <typename Number>
    Status write_number(std::string_view name, Number value) const {
        return write(name, fmt::format("{}", value));
    }
    // A node that the domain may write.
    Status write_owned(std::string_view name, DomId owner) const {
        auto const path = fmt::format("{}/{}", path_, name);
        HV_TRY(store_.write(path, ""));
        return store_.set_permissions(path, xenstore::private_to(owner));
    }
    std::string const& path() const { return path_; }

private:
    StoreView const& store_;
    std::string path_;
};

Status write_ring_nodes(Folder const& home, BuiltDomain const& built) {
    HV_TRY(home.write_number("store/port", built.store_port.raw()));
    HV_TRY(home.write_number("store/ring-ref", built.store_ring.raw()));
    HV_TRY(home.write_number("console/port", built.console_port.raw()));
    HV_TRY(home.write_number("console/ring-ref", built.console_ring.raw()));
    HV_TRY(home.write("console/type", "xenconsoled"));
    HV_TRY(home.write("console/output", "pty"));
    return home.write("console/limit", kConsoleLimit);
}

// Frontend and backend refer to each other, and are made at once.
Result<std::pair<Folder, Folder>> make_pair(StoreView const& store, DomId domain, std::string_view kind, unsigned device) {
    Folder const home{store, backend_home(kind, domain)};
    HV_TRY(home.make(xenstore::readable_by(kDomIdDom0, domain)));
    Folder front{store, fmt::format("{}/device/{}/{}", domain_path(domain), kind, device)};
    Folder back{store, fmt::format("{}/{}", home.path(), device)};
    HV_TRY(front.make(xenstore::readable_by(domain, kDomIdDom0)));
    HV_TRY(back.make(xenstore::readable_by(kDomIdDom0, domain)));
    HV_TRY(front.write("backend", back.path()));
    HV_TRY(front.write("backend-id", "0"));
    HV_TRY(back.write("frontend", front.path()));
    HV_TRY(back.write_number("frontend-id", domain.raw()));
    HV_TRY(back.write("online", "1"));
    return std::pair{front, back};
}

Status write_disk(StoreView const& store, DomId domain, Disk const& disk) {
    auto const [front, back] = HV_TRY(make_pair(store, domain, "vbd", disk.virtual_device));
    HV_TRY(front.write_number("virtual-device", disk.virtual_device));
    HV_TRY(front.write("device-type", "disk"));
    HV_TRY(back.write("params", disk.source));
    HV_TRY(back.write("mode", disk.read_only ? "r" : "w"));
    HV_TRY(back.write("device-type", "disk"));
    HV_TRY(back.write("type", disk.is_block_device ? "phy" : "file"));
    HV_TRY(back.write("dev", disk.target));
    HV_TRY(back.write("shareable", disk.shareable ? "1" : "0"));
    HV_TRY(back.write("discard-enable", disk.discard ? "1" : "0"));
    HV_TRY(back.write("state", kStateInitialising));
    return front.write("state", kStateInitialising);
}

Status write_interface(StoreView const& store, DomId domain, Interface const& card, unsigned index, Uuid const& uuid) {
    auto const [front, back] = HV_TRY(make_pair(store, domain, "vif", index));
    auto const mac = to_string(card.mac.value_or(derived_mac(uuid, index)));
    HV_TRY(front.write_number("handle", index));
    HV_TRY(front.write("mac", mac));
    HV_TRY(back.write_number("handle", index));
    HV_TRY(back.write("mac", mac));
    HV_TRY(back.write("bridge", card.bridge));
    HV_TRY(back.write("vifname", card.target.value_or(fmt::format("vif{}.{}", domain.raw(), index))));
    if (card.mtu) {
        HV_TRY(front.write_number("mtu", *card.mtu));
        HV_TRY(back.write_number("mtu", *card.mtu));
    }
    HV_TRY(back.write("state", kStateInitialising));
    return front.write("state", kStateInitialising);
}

Status remove_if_present(StoreView const& store, std::string const& path) {
    auto const removed = store.remove(path);
    if (removed || removed.error().code() == ENOENT) return {};
    return removed;
}

}  // namespace

Status write_domain_nodes(StoreView const& store, DomId domain, DomainConfig const& config, Uuid const& uuid,
                          BuiltDomain const& built) {
    Folder const home{store, domain_path(domain)};
    HV_TRY(home.make(xenstore::readable_by(kDomIdDom0, domain)));  // what is made below inherits it
    auto const vm_path = fmt::format("/vm/{}", to_string(uuid));
    HV_TRY(home.write("vm", vm_path));
    HV_TRY(home.write("name", config.name));
    HV_TRY(home.write_number("domid", domain.raw()));
    HV_TRY(home.write_number("memory/static-max", config.memory_bytes / 1024));
    HV_TRY(home.write_number("memory/target", config.memory_bytes / 1024));
    HV_TRY(write_availability(store, domain, config.online_vcpus, config.vcpus));
    HV_TRY(home.write("device", ""));
    for (auto const* const name : {"control/shutdown", "control/feature-poweroff", "control/feature-reboot",
                                   "control/feature-suspend", "control/sysrq", "data", "drivers", "feature", "attr",
                                   "error", "device/suspend/event-channel"}) {
        HV_TRY(home.write_owned(name, domain));
    }
    HV_TRY(home.write("control/platform-feature-multiprocessor-suspend", "1"));
    HV_TRY(home.write("control/platform-feature-xs_reset_watches", "1"));
    HV_TRY(write_ring_nodes(home, built));
    Folder const vm{store, vm_path};
    HV_TRY(vm.make(xenstore::readable_by(kDomIdDom0, domain)));
    HV_TRY(vm.write("name", config.name));
    return vm.write("uuid", to_string(uuid));
}

Status write_availability(StoreView const& store, DomId domain, unsigned online, unsigned vcpus) {
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
        HV_TRY(store.write(fmt::format("{}/cpu/{}/availability", domain_path(domain), vcpu), vcpu < online ? "online" : "offline"));
    }
    return {};
}

Status write_device_nodes(StoreView const& store, DomId domain, DomainConfig const& config, Uuid const& uuid) {
    for (auto const& disk : config.disks) HV_TRY(write_disk(store, domain, disk));
    for (unsigned i = 0; i < config.interfaces.size(); ++i) {
        HV_TRY(write_interface(store, domain, config.interfaces[i], i, uuid));
    }
    return {};
}

std::vector<BackendDevice> backend_devices(DomId domain, DomainConfig const& config) {
    std::vector<BackendDevice> devices;
    for (auto const& disk : config.disks) {
        devices.push_back({fmt::format("{}/{}", backend_home("vbd", domain), disk.virtual_device),
                           fmt::format("disk {} ({})", disk.target, disk.source), "blkbackd", disk.line});
    }
    for (unsigned i = 0; i < config.interfaces.size(); ++i) {
        devices.push_back({fmt::format("{}/{}", backend_home("vif", domain), i),
                           fmt::format("interface {} (bridge {})", i, config.interfaces[i].bridge), "netbackd",
                           config.interfaces[i].line});
    }
    return devices;
}

Result<std::vector<std::string>> backend_paths(StoreView const& store, DomId domain) {
    std::vector<std::string> paths;
    for (auto const kind : kBackendKinds) {
        auto const home = backend_home(kind, domain);
        for (auto const& device : HV_TRY(children_of(store, home))) paths.push_back(fmt::format("{}/{}", home, device));
    }
    return paths;
}

Status close_backends(xenstore::Client& store, DomId domain) {
    return store.transact([&](StoreView const& transaction) -> Status {
        for (auto const& path : HV_TRY(backend_paths(transaction, domain))) {
            HV_TRY(transaction.write(path + "/online", "0"));
            HV_TRY(transaction.write(path + "/state", kStateClosing));
        }
        return {};
    });
}

Status remove_domain_nodes(xenstore::Client& store, DomId domain, Uuid const& uuid) {
    return store.transact([&](StoreView const& transaction) -> Status {
        for (auto const kind : kBackendKinds) HV_TRY(remove_if_present(transaction, backend_home(kind, domain)));
        HV_TRY(remove_if_present(transaction, domain_path(domain)));
        HV_TRY(remove_if_present(transaction, fmt::format("/vm/{}", to_string(uuid))));
        return remove_if_present(transaction, record_path(domain));
    });
}

}  // namespace hospes::control
