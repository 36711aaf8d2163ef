// SPDX-License-Identifier: Apache-2.0
// Errors cross the wire by name. The list is closed: <xen/io/xs_wire.h>, xsd_errors.
#pragma once

#include <cerrno>
#include <expected>
#include <string_view>

namespace hospes::xenstore {

// The errors that a xenstore server may answer with; the values are errno's.
enum class WireError : int {
    invalid = EINVAL,
    no_access = EACCES,
    exists = EEXIST,
    is_directory = EISDIR,
    not_found = ENOENT,
    no_memory = ENOMEM,
    no_space = ENOSPC,
    io = EIO,
    not_empty = ENOTEMPTY,
    unsupported = ENOSYS,
    read_only = EROFS,
    busy = EBUSY,
    again = EAGAIN,
    is_connected = EISCONN,
    too_big = E2BIG,
    not_permitted = EPERM,
};

template <typename T>
using WireResult = std::expected<T, WireError>;

// "ENOENT" for not_found, and so on.
std::string_view name_of(WireError error);

// The error with that name. A name outside the list means `invalid`, as libxenstore has it.
WireError error_named(std::string_view name);

}  // namespace hospes::xenstore
