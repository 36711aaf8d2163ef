// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/control/domain_config.hpp"
#include "dom0-tools/base/result.hpp"
#include "dom0-tools/control/xml_document.hpp"

#include <string>
#include <vector>

namespace hospes::control {

/// A domain as a file describes it, and what the file says in vain ("file:line: ... has no effect: reason").
struct DomainXml {
    DomainConfig config;
    std::vector<std::string> warnings;
};

/// Reads a domain description. `file` is its name in messages.
/// The error is one line "file:line: <path><to><element>: what is wrong, the rule, what to do".
Result<DomainXml> read_domain_xml(std::string const& text, std::string const& file);

/// Holds `root` against the dialect's rows: what may stand where, how often, with which values. Returns the warnings.
Result<std::vector<std::string>> check_dialect(XmlElement const& root, std::string const& file);

}  // namespace hospes::control
