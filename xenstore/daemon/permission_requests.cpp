// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/requests.hpp"
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore::requests {

namespace {

std::string encoded(Permissions const& permissions) {
    std::string text;
    for (auto const permission : permissions) append_string(text, to_string(permission));
    return text;
}

// The list after the first of `arguments`; EINVAL if it is malformed or empty, ENOENT if its owner does not exist.
WireResult<Permissions> permissions_in(Request& request, std::vector<std::string_view> const& arguments) {
    Permissions permissions;
    for (auto text = arguments.begin() + 1; text < arguments.end(); ++text) {
        auto const permission = parse_permission(*text);
        if (!permission) return std::unexpected{WireError::invalid};
        permissions.push_back(*permission);
    }
    if (permissions.empty()) return std::unexpected{WireError::invalid};
    if (!request.server.domains().exists(permissions.front().domain)) return std::unexpected{WireError::not_found};
    return permissions;
}

// The permissions of "@introduceDomain" and "@releaseDomain" say who hears of them. They are not part of the tree, and of
// no transaction.
WireResult<std::string> get_special(Request& request, std::string_view name) {
    auto const* permissions = request.server.special_permissions(name);
    if (!permissions) return std::unexpected{WireError::invalid};
    if (!may(request.client.caller(), Access::read, *permissions)) return std::unexpected{WireError::no_access};
    return encoded(*permissions);
}

WireResult<std::string> set_special(Request& request, std::string_view name, Permissions permissions) {
    auto* place = request.server.special_permissions(name);
    if (!place) return std::unexpected{WireError::invalid};
    if (!request.client.caller().is_privileged) return std::unexpected{WireError::no_access};
    *place = std::move(permissions);
    return ok();
}

}  // namespace

WireResult<std::string> get_perms(Request& request) {
    auto const text = single_string(request.payload);
    if (!text) return std::unexpected{WireError::invalid};
    if (text->starts_with('@')) return get_special(request, *text);
    auto const path = path_argument(request, *text);
    if (!path) return std::unexpected{path.error()};
    auto const node = look_up(request, *path, Aspects::permissions);
    if (!node) return std::unexpected{node.error()};
    return encoded(*(*node)->permissions);
}

WireResult<std::string> set_perms(Request& request) {
    auto const arguments = split_strings(request.payload);
    if (!arguments || arguments->empty()) return std::unexpected{WireError::invalid};
    auto permissions = permissions_in(request, *arguments);
    if (!permissions) return std::unexpected{permissions.error()};
    if (arguments->front().starts_with('@')) return set_special(request, arguments->front(), std::move(*permissions));
    auto path = path_argument(request, arguments->front());
    if (!path) return std::unexpected{path.error()};
    return apply(request,
                 {.kind = Operation::Kind::set_perms, .path = std::move(*path), .value = {}, .permissions = std::move(*permissions)});
}

}  // namespace hospes::xenstore::requests
