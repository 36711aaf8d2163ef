// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/device_nodes.hpp"

namespace hospes::backend {

Result<DeviceNodes> DeviceNodes::open(xenstore::Client const& store, std::string_view kind, DeviceAddress address) {
    DeviceNodes nodes{store, address};
    auto const id = address.domain.raw();
    nodes.own_path_ = fmt::format("/local/domain/0/backend/{}/{}/{}", kind, id, address.number);
    auto const frontend = HV_TRY(nodes.own("frontend"));
    if (!frontend || frontend->empty() || frontend->front() != '/') return fail(ENOENT, "{}/frontend does not name a directory", nodes.own_path_);
    nodes.frontend_path_ = *frontend;
    auto const name = HV_TRY(store.read_if_present(fmt::format("/local/domain/{}/name", id)));
    nodes.title_ = fmt::format("{} {} of domain {}{}", kind == "vbd" ? "disk" : "network card", address.number, id,
                               name ? fmt::format(" ({})", *name) : std::string{});
    return nodes;
}

Result<std::uint32_t> DeviceNodes::frontend_number(std::string_view key, std::uint32_t maximum, std::optional<std::uint32_t> fallback) const {
    auto const text = HV_TRY(frontend(key));
    if (!text && fallback) return *fallback;
    if (!text) return fail(EINVAL, "{}/{} is missing", frontend_path_, key);
    auto const value = parse_number<std::uint32_t>(*text);
    if (!value || *value > maximum) return fail(EINVAL, "{}/{} must be a number of at most {}", frontend_path_, key, maximum);
    return *value;
}

Result<bool> DeviceNodes::frontend_flag(std::string_view key) const {
    auto const text = HV_TRY(frontend(key));
    return text == "1";
}

Status DeviceNodes::write_all(std::initializer_list<std::pair<std::string_view, std::string>> values) const {
    return store_->transact([&](xenstore::StoreView const& view) -> Status {
        for (auto const& [key, value] : values) HV_TRY(view.write(own_path_ + "/" + std::string{key}, value));
        return {};
    });
}

Status DeviceNodes::write_state(XenbusState state) const {
    return store_->transact([&](xenstore::StoreView const& view) -> Status {
        auto const now = HV_TRY(view.read_if_present(own_path_ + "/state"));
        if (!now) return {};
        bool const is_taken_away = parse_state(*now) == XenbusState::closing;
        bool const is_of_the_end = state == XenbusState::closing || state == XenbusState::closed;
        if (is_taken_away && !is_of_the_end) return {};
        return view.write(own_path_ + "/state", std::string(1, state_digit(state)));
    });
}

}  // namespace hospes::backend
