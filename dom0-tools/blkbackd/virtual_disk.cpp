// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/virtual_disk.hpp"

#include "dom0-tools/backend/ring_pages.hpp"

#include <spdlog/spdlog.h>

namespace hospes::blkbackd {
namespace {

constexpr std::uint32_t kMaxRingOrder = 4;
// A domain that was just destroyed may have I/O under way; its disk is free when that is done.
constexpr int kBusyAttempts = 20;
constexpr std::chrono::milliseconds kBusyPause{100};

// Bits of the node "info" (xen/io/blkif.h).
constexpr unsigned kInfoCdrom = 1, kInfoReadOnly = 4;

}  // namespace

VirtualDisk::VirtualDisk(BlockConnection::Ports ports, backend::DeviceNodes nodes, backend::DeviceEvents events)
    : ports_{ports}, nodes_{std::move(nodes)}, events_{std::move(events)} {
    retry_ = ports_.loop.make_timer([this] { events_.changed(); });
}

// No persistent grants (feature-persistent): they spare a backend that maps pages the mapping, but cost the domain a copy of all its data.
// We copy by grant, one call a request, and map nothing but the ring. A frontend that a predecessor left connected and that keeps its pages
// granted is served in the same way.
Status VirtualDisk::probe() {
    return nodes_.write_all({{"feature-max-indirect-segments", std::to_string(kMaxIndirectSegments)},
                             {"max-ring-page-order", std::to_string(kMaxRingOrder)},
                             {"feature-persistent", "0"}});
}

// A toolstack with a hotplug script (xl) lets that prepare the device and name it; else "params" is what we open.
Result<std::optional<std::string>> VirtualDisk::configured_path() const {
    if (HV_TRY(nodes_.own("script"))) {
        if (auto const path = HV_TRY(nodes_.own("physical-device-path"))) return path;
        if (HV_TRY(nodes_.own("hotplug-status")) != "connected") return std::nullopt;
    }
    auto const path = HV_TRY(nodes_.own("params"));
    if (!path || path->empty()) return fail(EINVAL, "it has no path: {}/params is missing or empty", nodes_.own_path());
    return path;
}

// xl has an exclamation mark for what our tool stack has a node for.
Result<DiskMode> VirtualDisk::configured_mode() const {
    auto const mode = HV_TRY(nodes_.own("mode")).value_or("r");
    if (!mode.starts_with('w')) return DiskMode::read_only;
    bool const is_shared = mode == "w!" || HV_TRY(nodes_.own("shareable")) == "1";
    return is_shared ? DiskMode::shared : DiskMode::read_write;
}

Result<bool> VirtualDisk::open() {
    if (disk_) return true;
    auto const path = HV_TRY(configured_path());
    if (!path) return false;
    auto disk = Disk::open(*path, HV_TRY(configured_mode()));
    if (!disk && disk.error().code() == EBUSY) return wait_for_others(disk.error());
    if (!disk) return std::unexpected{disk.error()};
    if (HV_TRY(nodes_.own("discard-enable")) == "0") disk->keep_what_is_discarded();
    disk_ = std::make_shared<Disk const>(std::move(*disk));
    spdlog::info("{}: {} ({} sectors, {}, {})", nodes_.title(), disk_->path(), disk_->sectors(), disk_->is_read_only() ? "read-only" : "read-write",
                 disk_->is_direct() ? "direct" : "through the page cache");
    if (!disk_->device_number().empty()) HV_TRY(nodes_.write("physical-device", disk_->device_number()));
    return true;
}

Result<bool> VirtualDisk::wait_for_others(Error const& error) {
    auto const path = HV_TRY(configured_path());
    auto const users = HV_TRY(users_of(path.value_or("")));
    if (++busy_attempts_ < kBusyAttempts) {
        retry_.start(kBusyPause);
        return false;
    }
    return fail(EBUSY, "{} by {}: a disk that one domain writes can have no other user; release it there, or make it read-only or shareable in both", error.message(),
                users.empty() ? "a program of the control domain (is it mounted?)" : users);
}

// The other domains whose disks name the same path, for the message.
Result<std::string> VirtualDisk::users_of(std::string const& path) const {
    std::string users;
    std::string const root = "/local/domain/0/backend/vbd";
    auto const& store = nodes_.store();
    for (auto const& domain : HV_TRY(store.directory(root))) {
        if (domain == std::to_string(nodes_.domain().raw())) continue;
        for (auto const& number : store.directory(root + "/" + domain).value_or(std::vector<std::string>{})) {
            auto const other = HV_TRY(store.read_if_present(fmt::format("{}/{}/{}/params", root, domain, number)));
            if (other != path) continue;
            auto const name = HV_TRY(store.read_if_present("/local/domain/" + domain + "/name"));
            users += fmt::format("{}domain {} ({})", users.empty() ? "" : ", ", domain, name.value_or("?"));
        }
    }
    return users;
}

// A disk that is not counted is served all the same.
DiskCounters* VirtualDisk::counters() {
    if (counters_) return &*counters_;
    auto made = DiskCounters::create(kDiskCountersFolder, nodes_.domain(), nodes_.number());
    if (made) return &counters_.emplace(*std::move(made));
    spdlog::warn("{}: is not counted: {}", nodes_.title(), made.error().message());
    return nullptr;
}

Status VirtualDisk::connect() {
    auto const protocol = HV_TRY(nodes_.frontend("protocol"));
    if (protocol && *protocol != XEN_IO_PROTO_ABI_X86_64)  // what it is may be anything, and is no text for a log
        return fail(ENOTSUP, "the ring's protocol is not the one that is served, {}", XEN_IO_PROTO_ABI_X86_64);
    auto const order = HV_TRY(nodes_.frontend_number("ring-page-order", kMaxRingOrder, 0));
    auto const port = HV_TRY(nodes_.frontend_number("event-channel", UINT32_MAX));
    auto ring = HV_TRY(backend::map_ring_pages(ports_.grants, nodes_, "ring-ref", order));
    auto ports = ports_;
    ports.counters = counters();
    connection_ = std::make_shared<BlockConnection>(ports, nodes_.domain(), std::move(ring), disk_, events_.failed);
    HV_TRY(publish());
    return connection_->start(EventPort{port});
}

Status VirtualDisk::publish() const {
    bool const is_cdrom = HV_TRY(nodes_.own("device-type")) == "cdrom";
    unsigned const info = (is_cdrom ? kInfoCdrom : 0) | (disk_->is_read_only() ? kInfoReadOnly : 0);
    HV_TRY(nodes_.write_all({{"sectors", std::to_string(disk_->sectors())},
                             {"sector-size", std::to_string(disk_->block_size())},
                             {"physical-sector-size", std::to_string(disk_->physical_block_size())},
                             {"info", std::to_string(info)},
                             {"feature-flush-cache", "1"}}));
    if (!disk_->can_discard()) return {};
    return nodes_.write_all({{"feature-discard", "1"}, {"discard-granularity", std::to_string(disk_->block_size())}, {"discard-alignment", "0"}});
}

}  // namespace hospes::blkbackd
