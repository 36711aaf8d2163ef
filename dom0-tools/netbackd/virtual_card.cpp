// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/netbackd/virtual_card.hpp"

#include "dom0-tools/backend/ring_pages.hpp"

#include <spdlog/spdlog.h>

namespace hospes::netbackd {
namespace {

constexpr std::uint32_t kMinMtu = 68, kMaxMtu = 65535 - 18;
constexpr std::size_t kFrameHeaders = 18;  // Ethernet and one 802.1Q tag

}  // namespace

Status VirtualCard::probe() {
    return nodes_.write_all({{"feature-rx-copy", "1"},
                             {"feature-rx-flip", "0"},
                             {"feature-sg", "1"},
                             {"feature-gso-tcpv4", "1"},
                             {"feature-gso-tcpv6", "1"},
                             {"feature-ipv6-csum-offload", "1"},
                             {"multi-queue-max-queues", "1"}});
}

Result<bool> VirtualCard::open() {
    if (tap_) return true;
    auto const bridge = HV_TRY(nodes_.own("bridge")).value_or("");
    auto const name = HV_TRY(nodes_.own("vifname")).value_or(fmt::format("vif{}.{}", nodes_.domain().raw(), nodes_.number()));
    auto tap = HV_TRY(Tap::create(name));
    if (!bridge.empty()) HV_TRY(tap.join(bridge));
    mtu_ = HV_TRY(configured_mtu(bridge));
    HV_TRY(tap.set_mtu(mtu_));
    HV_TRY(tap.bring_up());
    tap_ = std::move(tap);
    spdlog::info("{}: interface {}, {}, MTU {}", nodes_.title(), name, bridge.empty() ? "in no bridge" : "bridge " + bridge, mtu_);
    return true;
}

Result<std::uint32_t> VirtualCard::configured_mtu(std::string const& bridge) const {
    auto const text = HV_TRY(nodes_.own("mtu"));
    if (!text || text->empty()) {
        if (bridge.empty()) return 1500;
        return mtu_of(bridge);
    }
    auto const mtu = backend::parse_number<std::uint32_t>(*text);
    if (!mtu || *mtu < kMinMtu || *mtu > kMaxMtu) return fail(EINVAL, "MTU {} must be a number from {} to {}", *text, kMinMtu, kMaxMtu);
    return *mtu;
}

Result<Offloads> VirtualCard::frontend_offloads() const {
    bool const has_sg = HV_TRY(nodes_.frontend_flag("feature-sg"));
    bool const no_checksum = HV_TRY(nodes_.frontend_flag("feature-no-csum-offload"));
    bool const ipv6_checksum = HV_TRY(nodes_.frontend_flag("feature-ipv6-csum-offload"));
    Offloads offloads;
    offloads.checksum = !no_checksum && ipv6_checksum;  // a tap knows one switch for both
    offloads.tcp4_segmentation = has_sg && HV_TRY(nodes_.frontend_flag("feature-gso-tcpv4"));
    offloads.tcp6_segmentation = has_sg && HV_TRY(nodes_.frontend_flag("feature-gso-tcpv6"));
    return offloads;
}

Status VirtualCard::connect() {
    if (!HV_TRY(nodes_.frontend_flag("request-rx-copy"))) return fail(ENOTSUP, "the frontend does not take copied packets (request-rx-copy)");
    auto const offloads = HV_TRY(frontend_offloads());
    auto const port = HV_TRY(nodes_.frontend_number("event-channel", UINT32_MAX));
    NetConnection::Rings rings{.tx = HV_TRY(backend::map_ring_page(ports_.grants, nodes_, "tx-ring-ref")),
                               .rx = HV_TRY(backend::map_ring_page(ports_.grants, nodes_, "rx-ring-ref"))};
    HV_TRY(tap_->set_offloads(offloads));
    bool const has_large = offloads.tcp4_segmentation || offloads.tcp6_segmentation;
    std::size_t const largest = has_large ? wire::kMaxPacketSize : mtu_ + kFrameHeaders;
    connection_ = std::make_unique<NetConnection>(ports_, nodes_.domain(), std::move(rings), tap_->fd(), largest, events_.failed);
    return connection_->start(EventPort{port});
}

}  // namespace hospes::netbackd
