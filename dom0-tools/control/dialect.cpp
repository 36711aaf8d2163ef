// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/dialect.hpp"

#include <algorithm>
#include <array>

namespace hospes::control {
namespace {

constexpr auto supported = Support::supported;
constexpr auto no_effect = Support::no_effect;
constexpr auto refused = Support::refused;
constexpr auto text = Holds::text;
constexpr auto elements = Holds::elements;
constexpr auto nothing = Holds::nothing;
constexpr auto anything = Holds::anything;
constexpr auto optional = Count::optional;
constexpr auto required = Count::required;
constexpr auto many = Count::many;

constexpr std::string_view kActions = "destroy|restart|preserve";
constexpr std::string_view kQemuOnly = "it needs an emulated device, and there is no emulator";
constexpr std::string_view kFullVirtOnly = "it is for fully virtualized domains; this is a paravirtualized one";
constexpr std::string_view kLater = "this version of hospes does not support it";

// Source: libvirt's domain format (formatdomain) for type='xen'; the split is ours.
constexpr std::array kDialect{
    Rule{"domain", supported, elements, required},
    Rule{"domain/@type", supported, text, required, "xen", "type='xen'"},
    Rule{"domain/@id", no_effect, text, optional, "", "the number is given at each start"},
    Rule{"domain/name", supported, text, required, "", "<name>web</name>"},
    Rule{"domain/uuid", supported},
    Rule{"domain/title", supported},
    Rule{"domain/description", supported},
    Rule{"domain/metadata", supported, anything},

    Rule{"domain/memory", supported, text, required, "", "<memory unit='MiB'>256</memory>"},
    Rule{"domain/memory/@unit", supported},
    Rule{"domain/memory/@dumpCore", no_effect, text, optional, "", "there are no core dumps"},
    Rule{"domain/currentMemory", supported},
    Rule{"domain/currentMemory/@unit", supported},
    Rule{"domain/maxMemory", refused, anything, optional, "", "memory cannot be added to a running domain"},
    Rule{"domain/memoryBacking", no_effect, anything, optional, "", "a domain's memory is always its own frames"},
    Rule{"domain/memtune", no_effect, anything, optional, "", "a domain's memory is always its own frames"},
    Rule{"domain/numatune", no_effect, anything, optional, "", "memory is not placed by node"},
    Rule{"domain/blkiotune", no_effect, anything, optional, "", "disk bandwidth is not limited"},

    Rule{"domain/vcpu", supported},
    Rule{"domain/vcpu/@placement", supported, text, optional, "static"},
    Rule{"domain/vcpu/@current", supported},
    Rule{"domain/vcpu/@cpuset", supported},
    Rule{"domain/vcpus", refused, anything, optional, "", "how many vcpus are in use is said by <vcpu current='N'>"},
    Rule{"domain/cputune", supported, elements},
    Rule{"domain/cputune/shares", supported},
    Rule{"domain/cputune/period", supported},
    Rule{"domain/cputune/quota", supported},
    Rule{"domain/cputune/global_period", supported},
    Rule{"domain/cputune/global_quota", supported},
    Rule{"domain/cputune/vcpupin", supported, nothing, many},
    Rule{"domain/cputune/vcpupin/@vcpu", supported, text, required, "", "vcpu='0'"},
    Rule{"domain/cputune/vcpupin/@cpuset", supported, text, required, "", "cpuset='0-1'"},
    Rule{"domain/cputune/emulatorpin", no_effect, anything, optional, "", "there is no emulator"},
    Rule{"domain/cputune/emulator_period", no_effect, text, optional, "", "there is no emulator"},
    Rule{"domain/cputune/emulator_quota", no_effect, text, optional, "", "there is no emulator"},
    Rule{"domain/cputune/iothreadpin", no_effect, anything, many, "", "the disk daemon has no such threads"},
    Rule{"domain/cputune/iothread_period", no_effect, text, optional, "", "the disk daemon has no such threads"},
    Rule{"domain/cputune/iothread_quota", no_effect, text, optional, "", "the disk daemon has no such threads"},
    Rule{"domain/cputune/vcpusched", refused, anything, many, "", "all vcpus are scheduled by weight; use <shares>"},
    Rule{"domain/cputune/emulatorsched", no_effect, anything, optional, "", "there is no emulator"},
    Rule{"domain/cputune/iothreadsched", no_effect, anything, many, "", "the disk daemon has no such threads"},
    Rule{"domain/cputune/cachetune", refused, anything, many, "", "caches are not divided"},
    Rule{"domain/cputune/memorytune", refused, anything, many, "", "memory bandwidth is not divided"},
    Rule{"domain/iothreads", no_effect, anything, optional, "", "the disk daemon has no such threads"},
    Rule{"domain/resource", no_effect, anything, optional, "", "there are no resource partitions"},
    Rule{"domain/sysinfo", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/genid", refused, anything, optional, "", kFullVirtOnly},

    Rule{"domain/bootloader", refused, anything, optional, "", "dom0 runs no boot loader of a domain; use <os><kernel>"},
    Rule{"domain/bootloader_args", refused, anything, optional, "", "dom0 runs no boot loader of a domain"},
    Rule{"domain/os", supported, elements, required, "", "<os><type>xen</type><kernel>/path</kernel></os>"},
    Rule{"domain/os/type", supported, text, required, "xen|linux",
         "only paravirtualized domains are supported, written <type>xen</type>"},
    Rule{"domain/os/type/@arch", supported, text, optional, "x86_64"},
    Rule{"domain/os/type/@machine", supported, text, optional, "xenpv"},
    Rule{"domain/os/kernel", supported, text, required, "", "<kernel>/var/lib/hospes/vmlinuz</kernel>"},
    Rule{"domain/os/initrd", supported},
    Rule{"domain/os/cmdline", supported},
    Rule{"domain/os/root", refused, text, optional, "", "write root= into <cmdline>"},
    Rule{"domain/os/loader", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/nvram", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/firmware", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/boot", refused, anything, optional, "", "the domain starts its <kernel>; there is no boot order"},
    Rule{"domain/os/bootmenu", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/bios", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/smbios", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/acpi", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/dtb", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/os/init", refused, anything, optional, "", "it is for containers"},

    Rule{"domain/cpu", refused, anything, optional, "", "processor features cannot be chosen"},
    Rule{"domain/features", no_effect, anything, optional, "", "a paravirtualized domain has no firmware features"},
    Rule{"domain/clock", supported, elements},
    Rule{"domain/clock/@offset", supported, text, optional, "utc", "the domain's clock is UTC; set the zone in it"},
    Rule{"domain/clock/timer", no_effect, anything, many, "", "time comes from the paravirtual clock"},
    Rule{"domain/on_poweroff", supported, text, optional, kActions},
    Rule{"domain/on_reboot", supported, text, optional, kActions},
    Rule{"domain/on_crash", supported, text, optional, kActions, "there are no core dumps"},
    Rule{"domain/on_lockfailure", no_effect, anything, optional, "", "there is no lock manager"},
    Rule{"domain/pm", refused, anything, optional, "", kFullVirtOnly},
    Rule{"domain/perf", refused, anything, optional, "", kLater},
    Rule{"domain/idmap", refused, anything, optional, "", "it is for containers"},
    Rule{"domain/keywrap", refused, anything, optional, "", "it is for another architecture"},
    Rule{"domain/launchSecurity", refused, anything, optional, "", "memory is not encrypted"},
    Rule{"domain/seclabel", refused, anything, many, "", "there is no security policy to take a label from"},

    Rule{"domain/devices", supported, elements},
    Rule{"domain/devices/emulator", no_effect, anything, optional, "", "there is no emulator"},

    Rule{"domain/devices/disk", supported, elements, many},
    Rule{"domain/devices/disk/@type", supported, text, required, "file|block",
         "an image file or a block device of dom0"},
    Rule{"domain/devices/disk/@device", supported, text, optional, "disk",
         "a CD image is given as a <readonly/> disk"},
    Rule{"domain/devices/disk/@model", refused, text, optional, "", "all disks are Xen disks"},
    Rule{"domain/devices/disk/@snapshot", refused, text, optional, "", "there are no snapshots"},
    Rule{"domain/devices/disk/driver", supported, nothing},
    Rule{"domain/devices/disk/driver/@name", supported, text, optional, "phy|file|qemu|tap|tap2",
         "each of them is served by blkbackd"},
    Rule{"domain/devices/disk/driver/@type", supported, text, optional, "raw", "convert the image: qemu-img convert -O raw"},
    Rule{"domain/devices/disk/driver/@cache", no_effect, text, optional, "", "blkbackd has one way of caching"},
    Rule{"domain/devices/disk/driver/@io", no_effect, text, optional, "", "blkbackd has one way of input and output"},
    Rule{"domain/devices/disk/driver/@discard", supported, text, optional, "unmap|ignore"},
    Rule{"domain/devices/disk/driver/@queues", no_effect, text, optional, "", "a disk has one queue"},
    Rule{"domain/devices/disk/driver/@iothread", no_effect, text, optional, "", "blkbackd has no such threads"},
    Rule{"domain/devices/disk/source", supported, nothing, required, "", "<source file='/var/lib/hospes/web.img'/>"},
    Rule{"domain/devices/disk/source/@file", supported},
    Rule{"domain/devices/disk/source/@dev", supported},
    Rule{"domain/devices/disk/source/@startupPolicy", refused, text, optional, "", "a disk must be there at the start"},
    Rule{"domain/devices/disk/target", supported, nothing, required, "", "<target dev='xvda' bus='xen'/>"},
    Rule{"domain/devices/disk/target/@dev", supported, text, required, "", "dev='xvda'"},
    Rule{"domain/devices/disk/target/@bus", supported, text, optional, "xen"},
    Rule{"domain/devices/disk/readonly", supported, nothing},
    Rule{"domain/devices/disk/shareable", supported, nothing},
    Rule{"domain/devices/disk/transient", refused, nothing, optional, "", "writes always go to the image"},
    Rule{"domain/devices/disk/iotune", refused, anything, optional, "", "disk bandwidth is not limited"},
    Rule{"domain/devices/disk/backingStore", refused, anything, optional, "", "only raw images are supported"},
    Rule{"domain/devices/disk/backenddomain", refused, anything, optional, "", "disks are served by dom0"},
    Rule{"domain/devices/disk/encryption", refused, anything, optional, "", "images are not decrypted"},
    Rule{"domain/devices/disk/auth", refused, anything, optional, "", "network disks are not supported"},
    Rule{"domain/devices/disk/serial", no_effect, text, optional, "", "a Xen disk has no serial number"},
    Rule{"domain/devices/disk/wwn", no_effect, text, optional, "", "a Xen disk has no world-wide name"},
    Rule{"domain/devices/disk/boot", no_effect, nothing, optional, "", "the domain starts its <kernel>"},
    Rule{"domain/devices/disk/address", no_effect, nothing, optional, "", "a Xen disk has no bus address"},
    Rule{"domain/devices/disk/alias", no_effect, nothing, optional, "", "names of devices are libvirt's own"},

    Rule{"domain/devices/interface", supported, elements, many},
    Rule{"domain/devices/interface/@type", supported, text, required, "bridge",
         "put the card on a bridge of dom0: type='bridge'"},
    Rule{"domain/devices/interface/mac", supported, nothing},
    Rule{"domain/devices/interface/mac/@address", supported, text, required, "", "address='00:16:3e:01:02:03'"},
    Rule{"domain/devices/interface/source", supported, nothing, required, "", "<source bridge='hospes0'/>"},
    Rule{"domain/devices/interface/source/@bridge", supported, text, required, "", "bridge='hospes0'"},
    Rule{"domain/devices/interface/target", supported, nothing},
    Rule{"domain/devices/interface/target/@dev", supported, text, required, "", "dev='web0'"},
    Rule{"domain/devices/interface/model", supported, nothing},
    Rule{"domain/devices/interface/model/@type", supported, text, required, "netfront"},
    Rule{"domain/devices/interface/mtu", supported, nothing},
    Rule{"domain/devices/interface/mtu/@size", supported, text, required, "", "size='1500'"},
    Rule{"domain/devices/interface/script", refused, anything, optional, "", "netbackd joins the bridge without a script"},
    Rule{"domain/devices/interface/virtualport", refused, anything, optional, "", "Open vSwitch is not supported"},
    Rule{"domain/devices/interface/vlan", refused, anything, optional, "", "make the VLAN's bridge in dom0 and name that"},
    Rule{"domain/devices/interface/bandwidth", refused, anything, optional, "", "network bandwidth is not limited"},
    Rule{"domain/devices/interface/ip", refused, anything, many, "", "the domain sets its own address"},
    Rule{"domain/devices/interface/route", refused, anything, many, "", "the domain sets its own routes"},
    Rule{"domain/devices/interface/link", refused, anything, optional, "", "a card is always connected"},
    Rule{"domain/devices/interface/filterref", refused, anything, optional, "", "packets are not filtered; use dom0's nftables"},
    Rule{"domain/devices/interface/backenddomain", refused, anything, optional, "", "cards are served by dom0"},
    Rule{"domain/devices/interface/driver", no_effect, anything, optional, "", "a card has one queue"},
    Rule{"domain/devices/interface/boot", no_effect, nothing, optional, "", "the domain starts its <kernel>"},
    Rule{"domain/devices/interface/address", no_effect, nothing, optional, "", "a Xen card has no bus address"},
    Rule{"domain/devices/interface/alias", no_effect, nothing, optional, "", "names of devices are libvirt's own"},

    Rule{"domain/devices/console", supported, elements},
    Rule{"domain/devices/console/@type", supported, text, required, "pty"},
    Rule{"domain/devices/console/@tty", no_effect, text, optional, "", "the terminal is chosen at each start"},
    Rule{"domain/devices/console/target", supported, nothing},
    Rule{"domain/devices/console/target/@type", supported, text, optional, "xen"},
    Rule{"domain/devices/console/target/@port", supported, text, optional, "0"},
    Rule{"domain/devices/console/source", no_effect, anything, optional, "", "the terminal is chosen at each start"},
    Rule{"domain/devices/console/log", no_effect, anything, optional, "",
         "the log is always /var/log/hospes/console/NAME.log"},
    Rule{"domain/devices/console/alias", no_effect, nothing, optional, "", "names of devices are libvirt's own"},

    Rule{"domain/devices/memballoon", supported, anything},
    Rule{"domain/devices/memballoon/@model", supported, text, required, "xen"},
    Rule{"domain/devices/controller", no_effect, anything, many, "", "Xen's bus is always there"},
    Rule{"domain/devices/input", no_effect, anything, many, "", kQemuOnly},
    Rule{"domain/devices/graphics", no_effect, anything, many, "", kQemuOnly},
    Rule{"domain/devices/video", no_effect, anything, many, "", kQemuOnly},
    Rule{"domain/devices/serial", no_effect, anything, many, "", "the console is hvc0, see <console>"},
    Rule{"domain/devices/parallel", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/channel", refused, anything, many, "", kLater},
    Rule{"domain/devices/hostdev", refused, anything, many, "", "devices of the machine cannot be passed through"},
    Rule{"domain/devices/filesystem", refused, anything, many, "", kLater},
    Rule{"domain/devices/rng", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/watchdog", refused, anything, optional, "", kQemuOnly},
    Rule{"domain/devices/tpm", refused, anything, optional, "", kQemuOnly},
    Rule{"domain/devices/vsock", refused, anything, optional, "", kQemuOnly},
    Rule{"domain/devices/shmem", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/memory", refused, anything, many, "", "memory cannot be added to a running domain"},
    Rule{"domain/devices/iommu", refused, anything, optional, "", kQemuOnly},
    Rule{"domain/devices/panic", refused, anything, many, "", "a crash is always noticed, see <on_crash>"},
    Rule{"domain/devices/sound", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/audio", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/redirdev", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/redirfilter", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/smartcard", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/hub", refused, anything, many, "", kQemuOnly},
    Rule{"domain/devices/lease", refused, anything, many, "", "there is no lock manager"},
    Rule{"domain/devices/nvram", refused, anything, optional, "", kFullVirtOnly},
};

}  // namespace

std::span<Rule const> dialect() { return kDialect; }

Rule const* find_rule(std::string_view path) {
    auto const row = std::ranges::find(kDialect, path, &Rule::path);
    return row == kDialect.end() ? nullptr : &*row;
}

std::vector<std::string_view> names_below(std::string_view path, bool attributes) {
    std::vector<std::string_view> names;
    for (auto const& rule : kDialect) {
        if (!rule.path.starts_with(path) || rule.path.size() <= path.size() + 1 || rule.path[path.size()] != '/') continue;
        auto name = rule.path.substr(path.size() + 1);
        if (name.find('/') != std::string_view::npos || name.starts_with('@') != attributes) continue;
        if (attributes) name.remove_prefix(1);
        names.push_back(name);
    }
    return names;
}

}  // namespace hospes::control
