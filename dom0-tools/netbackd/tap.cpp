// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/netbackd/tap.hpp"

#include "dom0-tools/netbackd/tap_header.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include <linux/sockios.h>

namespace hospes::netbackd {
namespace {

Result<ifreq> request_for(std::string const& name) {
    ifreq request{};
    if (name.empty() || name.size() >= sizeof request.ifr_name)
        return fail(ENAMETOOLONG, "interface name \"{}\" must have 1 to {} characters", name, sizeof request.ifr_name - 1);
    std::memcpy(request.ifr_name, name.data(), name.size());
    return request;
}

Result<UniqueFd> control_socket() {
    UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_errno("make a socket");
    return fd;
}

}  // namespace

Result<Tap> Tap::create(std::string const& name) {
    auto request = HV_TRY(request_for(name));
    Tap tap;
    tap.name_ = name;
    tap.control_ = HV_TRY(control_socket());
    tap.fd_ = HV_TRY(with_context(open_file("/dev/net/tun", O_RDWR | O_NONBLOCK), "tap interfaces need the module \"tun\""));
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
    if (::ioctl(tap.fd_.get(), TUNSETIFF, &request) < 0) return fail_errno("make tap interface {}", name);
    int header_size = sizeof(TapHeader);
    if (::ioctl(tap.fd_.get(), TUNSETVNETHDRSZ, &header_size) < 0) return fail_errno("set the header size of {}", name);
    HV_TRY(tap.set_offloads({}));
    HV_TRY(tap.set_station_address());
    return tap;
}

// An address that no station has and that a bridge, which takes the lowest of its ports' as its own, does not take.
Status Tap::set_station_address() {
    auto request = HV_TRY(request_for(name_));
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    constexpr std::array<unsigned char, 6> kAddress{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    std::memcpy(request.ifr_hwaddr.sa_data, kAddress.data(), kAddress.size());
    if (::ioctl(control_.get(), SIOCSIFHWADDR, &request) < 0) return fail_errno("set the address of {}", name_);
    return {};
}

Status Tap::set_mtu(std::uint32_t mtu) {
    auto request = HV_TRY(request_for(name_));
    request.ifr_mtu = static_cast<int>(mtu);
    if (::ioctl(control_.get(), SIOCSIFMTU, &request) < 0) return fail_errno("set the MTU of {} to {}", name_, mtu);
    return {};
}

Status Tap::join(std::string const& bridge) {
    auto request = HV_TRY(request_for(bridge));
    if (::if_nametoindex(bridge.c_str()) == 0)
        return fail(ENODEV, "bridge {} does not exist: make it with \"ip link add {} type bridge && ip link set {} up\", or name one that exists", bridge, bridge, bridge);
    if (!std::filesystem::exists("/sys/class/net/" + bridge + "/bridge")) return fail(EINVAL, "interface {} is not a bridge: name one that is", bridge);
    request.ifr_ifindex = static_cast<int>(::if_nametoindex(name_.c_str()));
    if (::ioctl(control_.get(), SIOCBRADDIF, &request) < 0) return fail_errno("add {} to bridge {}", name_, bridge);
    return {};
}

Status Tap::bring_up() {
    // The control domain itself has nothing to say on this cable: the bridge has.
    auto const no_ipv6 = open_file("/proc/sys/net/ipv6/conf/" + name_ + "/disable_ipv6", O_WRONLY);
    if (no_ipv6) HV_TRY(write_all(no_ipv6->get(), std::as_bytes(std::span{"1", 1}), "disable_ipv6 of " + name_));
    auto request = HV_TRY(request_for(name_));
    if (::ioctl(control_.get(), SIOCGIFFLAGS, &request) < 0) return fail_errno("flags of {}", name_);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(control_.get(), SIOCSIFFLAGS, &request) < 0) return fail_errno("bring {} up", name_);
    return {};
}

Status Tap::set_offloads(Offloads offloads) {
    unsigned flags = 0;
    if (offloads.checksum) flags |= TUN_F_CSUM;
    if (offloads.checksum && offloads.tcp4_segmentation) flags |= TUN_F_TSO4;
    if (offloads.checksum && offloads.tcp6_segmentation) flags |= TUN_F_TSO6;
    if (::ioctl(fd_.get(), TUNSETOFFLOAD, flags) < 0) return fail_errno("set the offloads of {}", name_);
    return {};
}

Result<std::uint32_t> mtu_of(std::string const& interface) {
    auto const control = HV_TRY(control_socket());
    auto request = HV_TRY(request_for(interface));
    if (::ioctl(control.get(), SIOCGIFMTU, &request) < 0) return fail_errno("MTU of {}", interface);
    return static_cast<std::uint32_t>(request.ifr_mtu);
}

}  // namespace hospes::netbackd
