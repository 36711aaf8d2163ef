// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/cpu_tune.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace hospes::control {
namespace {

constexpr unsigned kMaximumVcpus = 32;  // shared_info has 32 vcpu_info; more need one registered by the kernel itself
constexpr unsigned kMaximumWeight = 65535;
constexpr std::int64_t kDefaultPeriod = 100'000;  // libvirt's, in µs
constexpr std::int64_t kLeastTime = 1'000;
constexpr std::int64_t kLongestPeriod = 1'000'000;
constexpr std::int64_t kMostQuota = 17'592'186'044'415;  // libvirt's

std::optional<std::int64_t> parse_number(std::string const& text) {
    std::int64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

class Reader {
public:
    Reader(XmlElement const& domain, std::string const& file, DomainConfig& config) : domain_{domain}, file_{file}, config_{config} {}

    Status read() {
        HV_TRY(read_vcpu());
        auto const tune = domain_.child("cputune");
        if (tune) {
            HV_TRY(read_shares(*tune));
            config_.cpu_tune.vcpu_cap = HV_TRY(read_bandwidth(*tune, "period", "quota"));
            config_.cpu_tune.domain_cap = HV_TRY(read_bandwidth(*tune, "global_period", "global_quota"));
            for (auto const& element : tune->children()) {
                if (element.name() == "vcpupin") HV_TRY(read_pin(element));
            }
        }
        for (auto const& [vcpu, pin] : pins_) config_.cpu_tune.pins.push_back(pin);
        return {};
    }

private:
    template <typename... Args>
    std::unexpected<Error> fail_at(XmlElement const& element, fmt::format_string<Args...> format, Args&&... args) {
        return fail(EINVAL, "{}:{}: {}", file_, element.line(), fmt::format(format, std::forward<Args>(args)...));
    }

    Status read_vcpu() {
        auto const element = domain_.child("vcpu");
        if (!element) return {};
        auto const count = parse_number(element->text());
        if (!count || *count < 1 || *count > kMaximumVcpus) {
            return fail_at(*element, "<vcpu> is '{}'; a domain has from 1 to {} vcpus", element->text().substr(0, 40), kMaximumVcpus);
        }
        config_.vcpus = config_.online_vcpus = static_cast<unsigned>(*count);
        if (auto const text = element->attribute("current")) {
            auto const current = parse_number(*text);
            if (!current || *current < 1 || *current > *count) {
                return fail_at(*element, "<vcpu current='{}'>: from 1 to {} vcpus, as many as the domain has, are in use at its start",
                               text->substr(0, 40), *count);
            }
            config_.online_vcpus = static_cast<unsigned>(*current);
        }
        auto const cpuset = element->attribute("cpuset");
        if (!cpuset) return {};
        auto const cpus = HV_TRY(read_cpus(*element, *cpuset));
        for (unsigned vcpu = 0; vcpu < config_.vcpus; ++vcpu) pins_[vcpu] = {vcpu, cpus, element->line()};
        return {};
    }

    Result<CpuSet> read_cpus(XmlElement const& element, std::string const& text) {
        auto const cpus = parse_cpu_set(text);
        if (!cpus) return fail_at(element, "<{} cpuset=>: {}", element.name(), cpus.error().message());
        return *cpus;
    }

    Status read_shares(XmlElement const& tune) {
        auto const element = tune.child("shares");
        if (!element) return {};
        auto const shares = parse_number(element->text());
        if (!shares || *shares < 1 || *shares > kMaximumWeight) {
            return fail_at(*element, "<shares> is '{}'; it is a number from 1 to {} (256 is what others have)", element->text().substr(0, 40),
                           kMaximumWeight);
        }
        config_.cpu_tune.weight = static_cast<unsigned>(*shares);
        return {};
    }

    // Microseconds of processor time in each period, as percent. A negative quota, or 0, is no limit.
    Result<std::optional<unsigned>> read_bandwidth(XmlElement const& tune, char const* period_name, char const* quota_name) {
        std::int64_t period = kDefaultPeriod;
        if (auto const element = tune.child(period_name)) {
            auto const value = parse_number(element->text());
            if (!value || (*value != 0 && (*value < kLeastTime || *value > kLongestPeriod))) {
                return fail_at(*element, "<{}> is '{}'; it is a number of µs from {} to {}", period_name, element->text().substr(0, 40), kLeastTime,
                               kLongestPeriod);
            }
            if (*value != 0) period = *value;
        }
        auto const element = tune.child(quota_name);
        if (!element) return std::nullopt;
        auto const quota = parse_number(element->text());
        if (!quota || *quota < -1 || *quota > kMostQuota || (*quota > 0 && *quota < kLeastTime)) {
            return fail_at(*element, "<{}> is '{}'; it is a number of µs from {}, or -1 for no limit", quota_name, element->text().substr(0, 40),
                           kLeastTime);
        }
        if (*quota <= 0) return std::nullopt;
        constexpr std::int64_t kMostPercent = 100 * CpuSet::kMost;
        return static_cast<unsigned>(std::clamp<std::int64_t>((*quota * 100 + period / 2) / period, 1, kMostPercent));
    }

    Status read_pin(XmlElement const& element) {
        auto const text = *element.attribute("vcpu");
        auto const vcpu = parse_number(text);
        if (!vcpu || *vcpu < 0 || *vcpu >= config_.vcpus) {
            return fail_at(element, "<vcpupin vcpu='{}'>: the domain has the vcpus 0 to {}", text.substr(0, 40), config_.vcpus - 1);
        }
        auto const number = static_cast<unsigned>(*vcpu);
        if (std::ranges::find(seen_, number) != seen_.end()) {
            return fail_at(element, "<vcpupin vcpu='{}'> stands here a second time; only one is allowed", number);
        }
        seen_.push_back(number);
        pins_[number] = {number, HV_TRY(read_cpus(element, *element.attribute("cpuset"))), element.line()};
        return {};
    }

    XmlElement const& domain_;
    std::string const& file_;
    DomainConfig& config_;
    std::map<unsigned, VcpuPin> pins_;
    std::vector<unsigned> seen_;
};

}  // namespace

Status read_cpu_tune(XmlElement const& domain, std::string const& file, DomainConfig& config) {
    return Reader{domain, file, config}.read();
}

Status check_pinning(DomainConfig const& config, std::string const& file, Privcmd& privcmd) {
    if (config.cpu_tune.pins.empty()) return {};
    auto const online = HV_TRY(privcmd.online_processors());
    for (auto const& pin : config.cpu_tune.pins) {
        if (!(pin.cpus & online).is_empty()) continue;
        return fail(EINVAL, "{}:{}: vcpu {} is pinned to the processors {}; the machine has {}", file, pin.line, pin.vcpu, to_string(pin.cpus),
                    to_string(online));
    }
    return {};
}

unsigned cap_of(CpuTune const& tune, unsigned used, unsigned vcpus) {
    unsigned const none = 100 * vcpus;
    bool const are_vcpus_capped = tune.vcpu_cap && *tune.vcpu_cap < 100;
    unsigned const cap = std::min(tune.domain_cap.value_or(none), are_vcpus_capped ? *tune.vcpu_cap * used : none);
    return cap < none ? cap : 0;
}

Status apply_cpu_tune(Privcmd& privcmd, DomId domain, DomainConfig const& config) {
    for (auto const& pin : config.cpu_tune.pins) {
        HV_TRY(with_context(privcmd.set_affinity(domain, VcpuId{pin.vcpu}, pin.cpus, std::nullopt), "pin vcpu {}", pin.vcpu));
    }
    auto const cap = cap_of(config.cpu_tune, config.online_vcpus, config.vcpus);
    if (!config.cpu_tune.weight && cap == 0) return {};
    return privcmd.set_sched_share(domain, {.weight = config.cpu_tune.weight.value_or(SchedShare{}.weight), .cap = cap});
}

}  // namespace hospes::control
