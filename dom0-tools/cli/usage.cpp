// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/cli/usage.hpp"

#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/control/memory_size.hpp"

#include <algorithm>
#include <charconv>

namespace hospes::cli {
namespace {

using control::DomainSummary;
using nlohmann::json;

std::uint64_t number_in(std::string const& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string backends_of(std::string_view kind, DomId domain) { return fmt::format("/local/domain/0/backend/{}/{}", kind, domain.raw()); }

Result<Traffic> disk_traffic(xenstore::StoreView const& store, DomId domain, std::string const& folder) {
    Traffic sum;
    for (auto const& number : HV_TRY(control::children_of(store, backends_of("vbd", domain)))) {
        auto const totals = DiskCounters::read(folder, domain, static_cast<std::uint32_t>(number_in(number)));
        if (!totals) continue;  // it is not connected yet, or any more
        sum.in += totals->read_bytes;
        sum.out += totals->written_bytes;
    }
    return sum;
}

// dom0's end of the cable sends what the domain receives.
Result<Traffic> network_traffic(xenstore::StoreView const& store, DomId domain, std::string const& folder) {
    Traffic sum;
    auto const home = backends_of("vif", domain);
    for (auto const& number : HV_TRY(control::children_of(store, home))) {
        auto const name = HV_TRY(store.read_if_present(fmt::format("{}/{}/vifname", home, number)));
        auto const counter = [&](char const* file) {
            auto const text = read_file(fmt::format("{}/{}/statistics/{}", folder, name.value_or(""), file));
            return text ? number_in(*text) : 0;
        };
        sum.in += counter("tx_bytes");
        sum.out += counter("rx_bytes");
    }
    return sum;
}

double rate(std::uint64_t before, std::uint64_t after, double seconds) {
    return after <= before || seconds <= 0 ? 0 : static_cast<double>(after - before) / seconds;
}

Traffic rate(Traffic before, Traffic after, double seconds) {
    return {static_cast<std::uint64_t>(rate(before.in, after.in, seconds)), static_cast<std::uint64_t>(rate(before.out, after.out, seconds))};
}

Usage usage_of(DomainSample const* before, DomainSample const& after, double seconds) {
    Usage usage{.domain = after.domain, .disk_rate = {}, .network_rate = {}};
    if (before == nullptr) return usage;  // it is new: the next look tells
    usage.cpu_percent = rate(before->domain.cpu_time_ns, after.domain.cpu_time_ns, seconds) / 1e7;
    usage.disk_rate = rate(before->disks, after.disks, seconds);
    usage.network_rate = rate(before->network, after.network, seconds);
    return usage;
}

std::string shown_rate(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double const kib = static_cast<double>(bytes) / 1024;
    return kib < 1000 ? fmt::format("{:.0f} K", kib) : kib < 1024e3 ? fmt::format("{:.1f} M", kib / 1024) : fmt::format("{:.1f} G", kib / 1048576);
}

}  // namespace

Result<Sample> take_sample(Privcmd& privcmd, xenstore::StoreView const* store, CounterPaths const& paths) {
    Sample sample;
    sample.processors = HV_TRY(privcmd.physical_info()).cpus;
    sample.at = std::chrono::steady_clock::now().time_since_epoch();
    for (auto& domain : HV_TRY(control::list_domains(privcmd, store))) {
        DomainSample each{.domain = domain, .disks = {}, .network = {}};
        if (store != nullptr) each.disks = HV_TRY(disk_traffic(*store, domain.id, paths.disks));
        if (store != nullptr) each.network = HV_TRY(network_traffic(*store, domain.id, paths.network));
        sample.domains.push_back(std::move(each));
    }
    return sample;
}

MachineUsage usage_between(Sample const& before, Sample const& after) {
    auto const seconds = std::chrono::duration<double>(after.at - before.at).count();
    MachineUsage usage{.domains = {}, .busy_percent = 0, .processors = after.processors};
    for (auto const& domain : after.domains) {
        auto const same = [&](DomainSample const& each) { return each.domain.id == domain.domain.id && each.domain.uuid == domain.domain.uuid; };
        auto const former = std::ranges::find_if(before.domains, same);
        usage.domains.push_back(usage_of(former == before.domains.end() ? nullptr : &*former, domain, seconds));
    }
    for (auto const& each : usage.domains) usage.busy_percent += each.cpu_percent;
    usage.busy_percent = std::min(usage.busy_percent / std::max(usage.processors, 1u), 100.0);
    std::ranges::stable_sort(usage.domains, std::ranges::greater{}, &Usage::cpu_percent);
    return usage;
}

std::string to_table(MachineUsage const& usage) {
    std::size_t width = 8;
    for (auto const& each : usage.domains) width = std::max(width, each.domain.name.size());
    auto table = fmt::format("{} domains, {} processors, {:.1f} % busy\n", usage.domains.size(), usage.processors, usage.busy_percent);
    table += fmt::format("{:<{}}  {:>5}  {:<8}  {:>6}  {:>5}  {:>9}  {:>15}  {:>15}\n", "NAME", width, "ID", "STATE", "CPU %", "VCPUS", "MEMORY",
                         "DISK R / W", "NET IN / OUT");
    for (auto const& each : usage.domains) {
        auto const& domain = each.domain;
        table += fmt::format("{:<{}}  {:>5}  {:<8}  {:>6.1f}  {:>5}  {:>9}  {:>6} / {:>6}  {:>6} / {:>6}\n", domain.name.empty() ? "-" : domain.name,
                             width, domain.id.raw(), control::to_string(domain.state), each.cpu_percent, domain.vcpus,
                             control::shown_size(domain.memory_bytes), shown_rate(each.disk_rate.in), shown_rate(each.disk_rate.out),
                             shown_rate(each.network_rate.in), shown_rate(each.network_rate.out));
    }
    return table;
}

json to_json(MachineUsage const& usage) {
    auto domains = json::array();
    for (auto const& each : usage.domains) {
        domains.push_back({{"name", each.domain.name},
                           {"id", each.domain.id.raw()},
                           {"state", control::to_string(each.domain.state)},
                           {"cpu_percent", each.cpu_percent},
                           {"cpu_time_ns", each.domain.cpu_time_ns},
                           {"vcpus", each.domain.vcpus},
                           {"memory_bytes", each.domain.memory_bytes},
                           {"disk_read_bytes_per_s", each.disk_rate.in},
                           {"disk_write_bytes_per_s", each.disk_rate.out},
                           {"network_in_bytes_per_s", each.network_rate.in},
                           {"network_out_bytes_per_s", each.network_rate.out}});
    }
    return {{"processors", usage.processors}, {"busy_percent", usage.busy_percent}, {"domains", domains}};
}

}  // namespace hospes::cli
