// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/requests.hpp"
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore::requests {

namespace {

constexpr auto kInvalid = std::unexpected{WireError::invalid};

// The only argument: a path.
WireResult<Path> only_path(Request const& request) {
    auto const text = single_string(request.payload);
    if (!text) return kInvalid;
    return path_argument(request, *text);
}

std::string names_of_children(Node const& node) {
    std::string names;
    for (auto const& child : node.children) append_string(names, child->name);
    return names;
}

WireResult<std::string> apply_to_only_path(Request& request, Operation::Kind kind) {
    auto path = only_path(request);
    if (!path) return std::unexpected{path.error()};
    return apply(request, {.kind = kind, .path = std::move(*path), .value = {}, .permissions = {}});
}

}  // namespace

WireResult<Path> path_argument(Request const& request, std::string_view text) { return Path::parse(text, request.client.home()); }

WireResult<Node const*> look_up(Request& request, Path const& path, Aspects wanted) {
    if (request.transaction) return request.transaction->look_up(path, wanted, request.context());
    return xenstore::look_up(request.server.tree(), path, wanted, request.context());
}

WireResult<std::string> apply(Request& request, Operation operation) {
    if (request.transaction) {
        auto const applied = request.transaction->apply(std::move(operation), request.context());
        if (!applied) return std::unexpected{applied.error()};
        return ok();
    }
    auto const changes = xenstore::apply(request.server.tree(), operation, request.context());
    if (!changes) return std::unexpected{changes.error()};
    request.server.fire(*changes);
    return ok();
}

WireResult<std::string> read(Request& request) {
    auto const path = only_path(request);
    if (!path) return std::unexpected{path.error()};
    auto const node = look_up(request, *path, Aspects::value);
    if (!node) return std::unexpected{node.error()};
    return (*node)->value;
}

// A list that is too long is refused with E2BIG by the dispatcher; the client comes back with DIRECTORY_PART.
WireResult<std::string> directory(Request& request) {
    auto const path = only_path(request);
    if (!path) return std::unexpected{path.error()};
    auto const node = look_up(request, *path, Aspects::children);
    if (!node) return std::unexpected{node.error()};
    return names_of_children(**node);
}

// Answers with the node's generation, by which the client notices a change between two parts, and with whole names from a
// byte offset on. An empty name marks the end.
WireResult<std::string> directory_part(Request& request) {
    auto const arguments = split_strings(request.payload);
    if (!arguments || arguments->size() != 2) return kInvalid;
    auto const path = path_argument(request, arguments->front());
    auto const offset = parse_number<u32>(arguments->back());
    if (!path || !offset) return kInvalid;
    auto const node = xenstore::look_up(request.server.tree(), *path, Aspects::children, request.context());
    if (!node) return std::unexpected{node.error()};

    auto const names = names_of_children(**node);
    std::string reply;
    append_string(reply, std::to_string((*node)->generation));
    auto const rest = std::string_view{names}.substr(std::min<usize>(*offset, names.size()));
    auto const room = kPayloadMax - reply.size() - 1;  // one byte for the end mark
    if (rest.size() <= room) {
        reply.append(rest).push_back('\0');
    } else {
        reply.append(rest.substr(0, rest.rfind('\0', room) + 1));
    }
    return reply;
}

WireResult<std::string> write(Request& request) {
    auto value = request.payload;
    auto const text = take_string(value);
    if (!text) return kInvalid;
    auto path = path_argument(request, *text);
    if (!path) return std::unexpected{path.error()};
    return apply(request, {.kind = Operation::Kind::write, .path = std::move(*path), .value = std::string{value}, .permissions = {}});
}

WireResult<std::string> mkdir(Request& request) { return apply_to_only_path(request, Operation::Kind::mkdir); }

WireResult<std::string> rm(Request& request) { return apply_to_only_path(request, Operation::Kind::rm); }

}  // namespace hospes::xenstore::requests
