// SPDX-License-Identifier: Apache-2.0
// What clients may ask hospesd for: one JSON object a line, {"verb": "...", ...}; the answer is one line,
// {"ok": true, ...} or {"ok": false, "error": "one sentence", "code": errno}.
#pragma once

#include "dom0-tools/control/domain_control.hpp"

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <string_view>

namespace hospes::hospesd {

struct Request {
    std::string_view verb;
    std::string_view arguments;  ///< the members of the request, for people
    Result<nlohmann::json> (*run)(control::DomainControl&, nlohmann::json const& request);
};

/// All verbs.
std::span<Request const> requests();

/// The answer to one line, without the newline. It never throws: a bad line gets an error answer.
std::string answer(control::DomainControl& control, std::string const& line);

}  // namespace hospes::hospesd
