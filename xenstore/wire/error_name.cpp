// SPDX-License-Identifier: Apache-2.0
#include "xenstore/wire/error_name.hpp"

#include <algorithm>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace hospes::xenstore {

std::string_view name_of(WireError error) {
    auto const row = std::ranges::find(xsd_errors, static_cast<int>(error), &::xsd_errors::errnum);
    return row != std::end(xsd_errors) ? row->errstring : "EINVAL";
}

WireError error_named(std::string_view name) {
    auto const row = std::ranges::find_if(xsd_errors, [&](auto const& entry) { return name == entry.errstring; });
    return row != std::end(xsd_errors) ? WireError{row->errnum} : WireError::invalid;
}

}  // namespace hospes::xenstore
