// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/preflight.hpp"

#include "dom0-tools/control/domain_record.hpp"
#include "dom0-tools/control/memory_size.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>

namespace hospes::control {
namespace fs = std::filesystem;
namespace {

// A file or device, whatever it is called.
struct Identity {
    bool is_device = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(Identity const&, Identity const&) = default;
};

std::optional<Identity> identity_of(std::string const& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    if (S_ISBLK(status.st_mode)) return Identity{true, status.st_rdev, 0};
    return Identity{false, status.st_dev, status.st_ino};
}

Status check_boot_file(BootFile const& boot, std::string_view element, std::string const& file) {
    auto const where = fmt::format("{}:{}: <{}> {}", file, boot.line, element, boot.path);
    struct stat status {};
    if (::stat(boot.path.c_str(), &status) != 0) {
        return fail(errno, "{}: {}; copy it there or correct the path", where, Error::from_errno("open").message());
    }
    if (!S_ISREG(status.st_mode)) return fail(EINVAL, "{} is not a regular file; correct the path", where);
    if (status.st_size == 0) return fail(EINVAL, "{} is empty; copy it again", where);
    auto const opened = open_file(boot.path, O_RDONLY);
    if (!opened) return fail(opened.error().code(), "{}: {}", where, opened.error().message());
    return {};
}

// The loop device of dom0 that has the file open, if one has.
std::optional<std::string> loop_device_of(std::string const& path, HostPaths const& host) {
    auto const wanted = identity_of(path);
    std::error_code error;
    for (auto const& entry : fs::directory_iterator{host.block, error}) {
        std::ifstream backing{entry.path() / "loop/backing_file"};
        std::string source;
        if (backing && std::getline(backing, source) && identity_of(source) == wanted) {
            return "/dev/" + entry.path().filename().string();
        }
    }
    return std::nullopt;
}

Status check_disk(Disk const& disk, std::string const& file, HostPaths const& host) {
    auto const where = fmt::format("{}:{}: disk {}: {}", file, disk.line, disk.target, disk.source);
    struct stat status {};
    if (::stat(disk.source.c_str(), &status) != 0) {
        return fail(errno, "{}: {}; create it or correct <source>", where, Error::from_errno("open").message());
    }
    if (disk.is_block_device && !S_ISBLK(status.st_mode)) {
        return fail(EINVAL, "{} is not a block device; for an image file write <disk type='file'>", where);
    }
    if (!disk.is_block_device && !S_ISREG(status.st_mode)) {
        return fail(EINVAL, "{} is not a regular file; for a block device write <disk type='block'>", where);
    }
    constexpr off_t kSector = 512;
    if (!disk.is_block_device && (status.st_size < kSector || status.st_size % kSector != 0)) {
        return fail(EINVAL, "{} has {} bytes; a disk image has a multiple of 512, at least 512", where, status.st_size);
    }
    // Linux gives a block device exclusively to who mounts it.
    int const exclusive = disk.is_block_device && !disk.read_only ? O_EXCL : 0;
    auto const opened = open_file(disk.source, (disk.read_only ? O_RDONLY : O_RDWR) | exclusive);
    if (!opened && opened.error().code() == EBUSY) {
        return fail(EBUSY, "{} is in use in dom0 (mounted, or part of another device); unmount it first", where);
    }
    if (!opened) return fail(opened.error().code(), "{}: {}", where, opened.error().message());
    if (auto const loop = loop_device_of(disk.source, host); loop && !disk.read_only) {
        return fail(EBUSY, "{} is in use in dom0 as {}; detach that first (losetup -d)", where, *loop);
    }
    return {};
}

Status check_interface(Interface const& card, std::string const& file, HostPaths const& host) {
    auto const device = fs::path{host.network} / card.bridge;
    std::error_code error;
    if (!fs::exists(device, error)) {
        return fail(ENODEV, "{0}:{1}: the bridge {2} does not exist in dom0; make it (ip link add {2} type bridge) or correct "
                    "<source bridge=>", file, card.line, card.bridge);
    }
    if (!fs::exists(device / "bridge", error)) {
        return fail(EINVAL, "{}:{}: {} is a network device of dom0 but not a bridge; name a bridge", file, card.line,
                    card.bridge);
    }
    if (card.target && fs::exists(fs::path{host.network} / *card.target, error)) {
        return fail(EEXIST, "{}:{}: dom0 has a network device {} already; choose another <target dev=>", file, card.line,
                    *card.target);
    }
    return {};
}

// A disk that another domain's backend serves.
struct OtherDisk {
    std::string owner;
    std::string path;
    bool writable = true;
    bool shareable = false;
};

Result<std::vector<OtherDisk>> disks_in_use(xenstore::StoreView const& store) {
    std::vector<OtherDisk> disks;
    std::string const home = "/local/domain/0/backend/vbd";
    for (auto const& domain : HV_TRY(children_of(store, home))) {
        auto const name = HV_TRY(store.read_if_present(fmt::format("/local/domain/{}/name", domain)));
        for (auto const& device : HV_TRY(children_of(store, fmt::format("{}/{}", home, domain)))) {
            auto const path = fmt::format("{}/{}/{}", home, domain, device);
            auto const params = HV_TRY(store.read_if_present(path + "/params"));
            if (!params) continue;
            auto const mode = HV_TRY(store.read_if_present(path + "/mode"));
            auto const shareable = HV_TRY(store.read_if_present(path + "/shareable"));
            disks.push_back({name.value_or(domain), *params, mode != "r", shareable == "1"});
        }
    }
    return disks;
}

// By its uuid hospesd finds a domain again, and its cards have their addresses from it.
Status check_uuid(DomainConfig const& config, std::string const& file, std::span<DomainInfo const> infos) {
    for (auto const& info : infos) {
        if (!config.uuid || info.id == kDomIdDom0 || info.is_dying || info.handle != config.uuid->bytes) continue;
        return fail(EEXIST, "{}: domain {} has the <uuid> {} already; leave <uuid> out, or choose another", file, info.id.raw(), to_string(*config.uuid));
    }
    return {};
}

Status check_identity(DomainConfig const& config, std::string const& file, Privcmd& privcmd, xenstore::StoreView const& store) {
    auto const infos = HV_TRY(privcmd.list_domains());
    std::vector<std::string> paths;
    for (auto const& info : infos) paths.push_back(domain_path(info.id) + "/name");
    auto const names = HV_TRY(store.read_all(paths));
    auto const same = std::ranges::find(names, config.name);
    if (same == names.end()) return check_uuid(config, file, infos);
    return fail(EEXIST, "{}: a domain named '{}' is there already (id {}); choose another <name> or run 'hospes destroy {}' first",
                file, config.name, infos[static_cast<std::size_t>(same - names.begin())].id.raw(), config.name);
}

}  // namespace

Status check_host(DomainConfig const& config, std::string const& file, HostPaths const& host) {
    HV_TRY(check_boot_file(config.kernel, "kernel", file));
    if (config.initrd) HV_TRY(check_boot_file(*config.initrd, "initrd", file));
    for (auto const& disk : config.disks) HV_TRY(check_disk(disk, file, host));
    for (auto const& card : config.interfaces) HV_TRY(check_interface(card, file, host));
    return {};
}

Status check_other_domains(DomainConfig const& config, std::string const& file, Privcmd& privcmd,
                           xenstore::StoreView const& store) {
    HV_TRY(check_identity(config, file, privcmd, store));
    auto const others = HV_TRY(disks_in_use(store));
    for (auto const& disk : config.disks) {
        auto const wanted = identity_of(disk.source);
        for (auto const& other : others) {
            bool const both_read = disk.read_only && !other.writable;
            bool const both_share = disk.shareable && other.shareable;
            if (both_read || both_share || identity_of(other.path) != wanted) continue;
            return fail(EBUSY, "{}:{}: disk {}: {} is in use by domain {}; a disk that is written to belongs to one domain",
                        file, disk.line, disk.target, disk.source, other.owner);
        }
    }
    return {};
}

Status check_memory(DomainConfig const& config, std::string const& file, Privcmd& privcmd) {
    constexpr std::uint64_t kOverhead = std::uint64_t{2} << 20;  // what the hypervisor keeps for a domain
    auto const machine = HV_TRY(privcmd.physical_info());
    auto const free = machine.free_pages * kPageSize;
    if (config.memory_bytes + kOverhead <= free) return {};
    return fail(ENOMEM, "{}: domain {} needs {} and 2 MiB for itself, and {} are free; lower <memory>, or end another domain",
                file, config.name, shown_size(config.memory_bytes), shown_size(free));
}

}  // namespace hospes::control
