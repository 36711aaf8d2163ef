// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/error.hpp"

#include <cstring>

namespace hospes {

Error Error::from_errno(std::string_view what, int code) {
    char buffer[128];
    return Error{code, fmt::format("{}: {}", what, strerror_r(code, buffer, sizeof buffer))};
}

Error Error::within(std::string_view where) const {
    return Error{code_, fmt::format("{}: {}", where, message_)};
}

}  // namespace hospes
