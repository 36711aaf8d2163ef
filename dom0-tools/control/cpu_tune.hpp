// SPDX-License-Identifier: Apache-2.0
// How much processor a domain gets and where its vcpus run: <vcpu> and <cputune>, and what the hypervisor is told of it.
#pragma once

#include "dom0-tools/control/domain_config.hpp"
#include "dom0-tools/control/xml_document.hpp"
#include "dom0-tools/ports/privcmd.hpp"

namespace hospes::control {

/// Reads <vcpu> and <cputune>, which the dialect's check has seen already, into `config`. The error names file and line.
Status read_cpu_tune(XmlElement const& domain, std::string const& file, DomainConfig& config);

/// EINVAL when a vcpu is pinned to processors none of which the machine has.
Status check_pinning(DomainConfig const& config, std::string const& file, Privcmd& privcmd);

/// Tells the hypervisor. The domain has its vcpus.
Status apply_cpu_tune(Privcmd& privcmd, DomId domain, DomainConfig const& config);

/// The cap, in percent of one processor, of a domain that uses `used` of its `vcpus` vcpus; 0: none. It may use all of them without asking
/// anybody: a quota of the whole domain holds however many it uses.
unsigned cap_of(CpuTune const& tune, unsigned used, unsigned vcpus);

}  // namespace hospes::control
