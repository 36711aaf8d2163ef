// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_config.hpp"

#include <fmt/format.h>

#include <random>
#include <string_view>

namespace hospes::control {
namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<std::uint8_t> hex_byte(std::string_view two) {
    auto const high = hex_digit(two[0]);
    auto const low = hex_digit(two[1]);
    if (!high || !low) return std::nullopt;
    return static_cast<std::uint8_t>(*high * 16 + *low);
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string const& text) {
    if (text.size() != 36) return std::nullopt;
    Uuid uuid;
    std::size_t byte = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i++] != '-') return std::nullopt;
            continue;
        }
        auto const value = hex_byte(std::string_view{text}.substr(i, 2));
        if (!value) return std::nullopt;
        uuid.bytes[byte++] = *value;
        i += 2;
    }
    return uuid;
}

std::string to_string(Uuid const& uuid) {
    std::string text;
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", uuid.bytes[i]);
    }
    return text;
}

Uuid random_uuid() {
    Uuid uuid;
    std::random_device random;
    for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(random());
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

std::optional<MacAddress> parse_mac(std::string const& text) {
    if (text.size() != 17) return std::nullopt;
    MacAddress mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        if (i > 0 && text[i * 3 - 1] != ':') return std::nullopt;
        auto const value = hex_byte(std::string_view{text}.substr(i * 3, 2));
        if (!value) return std::nullopt;
        mac.bytes[i] = *value;
    }
    return mac;
}

std::string to_string(MacAddress const& mac) { return fmt::format("{:02x}", fmt::join(mac.bytes, ":")); }

MacAddress derived_mac(Uuid const& uuid, unsigned index) {
    std::uint32_t hash = 2166136261u;  // FNV-1a over the uuid and the index
    auto const mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * 16777619u; };
    for (auto const byte : uuid.bytes) mix(byte);
    mix(static_cast<std::uint8_t>(index));
    return MacAddress{{0x00, 0x16, 0x3e, static_cast<std::uint8_t>(hash >> 16), static_cast<std::uint8_t>(hash >> 8),
                       static_cast<std::uint8_t>(hash)}};
}

std::string to_string(LifecycleAction action) {
    switch (action) {
        case LifecycleAction::destroy: return "destroy";
        case LifecycleAction::restart: return "restart";
        case LifecycleAction::preserve: return "preserve";
    }
    return "?";
}

std::optional<std::uint32_t> virtual_device_number(std::string const& target) {
    if (!target.starts_with("xvd") || target.size() < 4 || target.size() > 5) return std::nullopt;
    std::uint32_t index = 0;  // a..z are 0..25, aa is 26
    for (char const c : target.substr(3)) {
        if (c < 'a' || c > 'z') return std::nullopt;
        index = index * 26 + static_cast<std::uint32_t>(c - 'a') + 1;
    }
    --index;
    if (index < 16) return (202u << 8) | (index << 4);
    return (1u << 28) | (index << 8);
}

}  // namespace hospes::control
