// SPDX-License-Identifier: Apache-2.0
// What each message does. The functions are named after the messages; messages.cpp has the table.
// Each returns the payload of the reply, or the error to answer with.
#pragma once

#include "xenstore/daemon/request.hpp"

namespace hospes::xenstore::requests {

// node_requests.cpp
WireResult<std::string> directory(Request& request);
WireResult<std::string> directory_part(Request& request);
WireResult<std::string> read(Request& request);
WireResult<std::string> write(Request& request);
WireResult<std::string> mkdir(Request& request);
WireResult<std::string> rm(Request& request);
// permission_requests.cpp
WireResult<std::string> get_perms(Request& request);
WireResult<std::string> set_perms(Request& request);
// transaction_requests.cpp
WireResult<std::string> transaction_start(Request& request);
WireResult<std::string> transaction_end(Request& request);
// watch_requests.cpp
WireResult<std::string> watch(Request& request);
WireResult<std::string> unwatch(Request& request);
WireResult<std::string> reset_watches(Request& request);
// domain_requests.cpp
WireResult<std::string> introduce(Request& request);
WireResult<std::string> release(Request& request);
WireResult<std::string> get_domain_path(Request& request);
WireResult<std::string> is_domain_introduced(Request& request);
WireResult<std::string> resume(Request& request);
WireResult<std::string> set_target(Request& request);
// control.cpp
WireResult<std::string> control(Request& request);

// Common to node_requests.cpp and permission_requests.cpp.
WireResult<Path> path_argument(Request const& request, std::string_view text);
// In the request's transaction if it has one, else in the tree as it is.
WireResult<Node const*> look_up(Request& request, Path const& path, Aspects wanted);
// The same; watches fire at once if there is no transaction.
WireResult<std::string> apply(Request& request, Operation operation);

}  // namespace hospes::xenstore::requests
