// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace hospes::cli {

/// A connection to a unix socket; an error names it and what to do when nobody listens: `daemon` is who should.
Result<UniqueFd> connect_to(std::string const& path, std::string const& daemon);

/// Sends a line and returns the first line of the answer.
Result<std::string> exchange_line(int socket, std::string const& line, std::string const& daemon);

/// One request to hospesd. An error is hospesd's own sentence, or that it does not answer.
Result<nlohmann::json> ask_hospesd(nlohmann::json const& request);

}  // namespace hospes::cli
