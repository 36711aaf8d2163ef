// SPDX-License-Identifier: Apache-2.0
// Domain descriptions: whatever the text, it is a domain that keeps to the limits, or one line that says where and what is wrong.
#include "dom0-tools/control/domain_xml.hpp"

#include <cstdlib>

using namespace hospes::control;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

bool is_one_line(std::string const& text) { return text.starts_with("d.xml") && text.find('\n') == std::string::npos; }

void check(DomainConfig const& config) {
    demand(!config.name.empty() && config.name.size() <= 63 && config.name.find('/') == std::string::npos);
    demand(config.memory_bytes > 0 && config.memory_bytes % (1 << 20) == 0);
    demand(config.online_vcpus >= 1 && config.online_vcpus <= config.vcpus);
    demand(config.kernel.path.starts_with('/'));
    for (auto const& disk : config.disks) demand(disk.source.starts_with('/') && virtual_device_number(disk.target) == disk.virtual_device);
    for (auto const& pin : config.cpu_tune.pins) demand(pin.vcpu < config.vcpus);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    auto const read = read_domain_xml({reinterpret_cast<char const*>(data), size}, "d.xml");
    if (!read) demand(is_one_line(read.error().message()));
    if (!read) return 0;
    check(read->config);
    for (auto const& warning : read->warnings) demand(is_one_line(warning));
    return 0;
}
