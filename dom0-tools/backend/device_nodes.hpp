// SPDX-License-Identifier: Apache-2.0
// The two store directories of one device: ours, written by the toolstack and us, and the frontend's, which the domain writes.
#pragma once

#include "dom0-tools/backend/handshake.hpp"
#include "dom0-tools/base/ids.hpp"
#include "dom0-tools/base/result.hpp"
#include "xenstore/client/client.hpp"

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

namespace hospes::backend {

// Which device: "vbd 51712 of domain 5".
struct DeviceAddress {
    DomId domain;
    std::uint32_t number = 0;

    friend auto operator<=>(DeviceAddress const&, DeviceAddress const&) = default;
};

class DeviceNodes {
public:
    // `kind` is "vbd" or "vif". Reads where the frontend is.
    static Result<DeviceNodes> open(xenstore::Client const& store, std::string_view kind, DeviceAddress address);

    xenstore::Client const& store() const { return *store_; }
    DomId domain() const { return address_.domain; }
    std::uint32_t number() const { return address_.number; }
    std::string const& own_path() const { return own_path_; }
    std::string const& frontend_path() const { return frontend_path_; }
    // "disk 51712 of domain 5 (web)", for messages.
    std::string const& title() const { return title_; }

    // A value of the backend's directory, or of the frontend's; nothing if there is no such node.
    Result<std::optional<std::string>> own(std::string_view key) const { return store_->read_if_present(own_path_ + "/" + std::string{key}); }
    Result<std::optional<std::string>> frontend(std::string_view key) const { return store_->read_if_present(frontend_path_ + "/" + std::string{key}); }

    // A decimal number that the domain wrote: EINVAL if it is missing (without `fallback`), malformed or above `maximum`.
    Result<std::uint32_t> frontend_number(std::string_view key, std::uint32_t maximum, std::optional<std::uint32_t> fallback = {}) const;
    // 1 means yes; anything else, and nothing at all, means no.
    Result<bool> frontend_flag(std::string_view key) const;

    Status write(std::string_view key, std::string_view value) const { return store_->write(own_path_ + "/" + std::string{key}, value); }
    // Several at once: all or none.
    Status write_all(std::initializer_list<std::pair<std::string_view, std::string>> values) const;
    // Writes our state, unless the directory has gone meanwhile: it must not come back to life. What the toolstack writes to have the
    // device closed is followed by states of the end only.
    Status write_state(XenbusState state) const;

private:
    DeviceNodes(xenstore::Client const& store, DeviceAddress address) : store_{&store}, address_{address} {}

    xenstore::Client const* store_;
    DeviceAddress address_;
    std::string own_path_;
    std::string frontend_path_;
    std::string title_;
};

// The whole of `text` as a decimal number; nothing if it is something else or too large.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

}  // namespace hospes::backend
