// SPDX-License-Identifier: Apache-2.0
// What a domain shall be: the value that the XML reader makes and everything else works from.
#pragma once

#include "dom0-tools/base/cpu_set.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hospes::control {

/// A domain's 128-bit name, in the byte order of its text form (and of createdomain's `handle`).
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};
    friend bool operator==(Uuid const&, Uuid const&) = default;
};

/// An Ethernet address.
struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};
    friend bool operator==(MacAddress const&, MacAddress const&) = default;
};

/// What becomes of a domain when it ends (libvirt's on_poweroff, on_reboot, on_crash).
enum class LifecycleAction : std::uint8_t { destroy, restart, preserve };

/// One `<disk>`. `line` is where the file says so, for messages about the disk itself.
struct Disk {
    std::string source;                 ///< absolute path of an image file or block device in dom0
    bool is_block_device = false;       ///< type='block'
    std::string target;                 ///< the domain's name for it, as xvda
    std::uint32_t virtual_device = 0;   ///< the number of that name, as 51712
    bool read_only = false;
    bool shareable = false;             ///< other domains may have it too, if they say so as well
    bool discard = true;                ///< what the domain discards takes no room in dom0 any more, where the image can do that
    int line = 0;
};

/// One `<interface>`, a network card on a bridge of dom0.
struct Interface {
    std::optional<MacAddress> mac;      ///< absent: derived from the domain's uuid
    std::string bridge;
    std::optional<std::string> target;  ///< name of the device in dom0; absent: vif<domid>.<index>
    std::optional<unsigned> mtu;        ///< bytes
    int line = 0;
};

/// The processors a vcpu may run on. `line` is where the file says so.
struct VcpuPin {
    unsigned vcpu = 0;
    CpuSet cpus;
    int line = 0;
};

/// How much processor the domain gets, and where its vcpus run (`<cputune>`, `<vcpu cpuset=>`).
struct CpuTune {
    std::optional<unsigned> weight;      ///< against that of other domains
    std::optional<unsigned> vcpu_cap;    ///< percent of a processor, for each vcpu
    std::optional<unsigned> domain_cap;  ///< the same, for all vcpus together
    std::vector<VcpuPin> pins;           ///< by rising vcpu; those that are absent run anywhere
};

/// A kernel or ramdisk file in dom0.
struct BootFile {
    std::string path;
    int line = 0;
};

/// A whole domain.
struct DomainConfig {
    std::string name;
    std::optional<Uuid> uuid;
    std::string title;
    std::string description;
    std::uint64_t memory_bytes = 0;  ///< a multiple of 1 MiB
    unsigned vcpus = 1;              ///< at most
    unsigned online_vcpus = 1;       ///< at its start
    CpuTune cpu_tune;
    BootFile kernel;
    std::optional<BootFile> initrd;
    std::string command_line;
    LifecycleAction on_poweroff = LifecycleAction::destroy;
    LifecycleAction on_reboot = LifecycleAction::restart;
    LifecycleAction on_crash = LifecycleAction::destroy;
    std::vector<Disk> disks;
    std::vector<Interface> interfaces;  ///< in the file's order, which numbers them
};

/// "6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c11" to its bytes; nothing when it is not of that form.
std::optional<Uuid> parse_uuid(std::string const& text);
std::string to_string(Uuid const& uuid);
/// A new random (version 4) uuid.
Uuid random_uuid();

/// "00:16:3e:01:02:03" to its bytes; nothing when it is not of that form.
std::optional<MacAddress> parse_mac(std::string const& text);
std::string to_string(MacAddress const& mac);
/// The address of interface `index` of a domain whose file names none: the same at each start (prefix 00:16:3e).
MacAddress derived_mac(Uuid const& uuid, unsigned index);

std::string to_string(LifecycleAction action);

/// The number of a disk name: xvda is 51712 (major 202), xvdq and later use the extended numbers (1<<28).
/// Source: Xen's vbd interface notes (xen-vbd-interface(7)). Nothing when it is no whole-disk xvd name.
std::optional<std::uint32_t> virtual_device_number(std::string const& target);

}  // namespace hospes::control
