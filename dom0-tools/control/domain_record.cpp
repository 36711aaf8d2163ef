// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_record.hpp"

#include "xenstore/client/stream_channel.hpp"

#include <algorithm>
#include <charconv>

namespace hospes::control {
namespace {

constexpr std::size_t kChunk = 3000;  // a value and its path share xenstore's 4096 bytes

std::chrono::seconds now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

Result<xenstore::Client> open_store() { return xenstore::Client::open(xenstore::socket_path()); }

std::string domain_path(DomId domain) { return fmt::format("/local/domain/{}", domain.raw()); }
std::string record_path(DomId domain) { return fmt::format("{}/{}", kRecords, domain.raw()); }
std::string creating_path(Uuid const& uuid) { return fmt::format("{}/{}", kCreating, to_string(uuid)); }
std::string restarting_path(Uuid const& uuid) { return fmt::format("{}/{}", kRestarting, to_string(uuid)); }

Status write_record(xenstore::StoreView const& store, std::string const& path, DomainRecord const& record) {
    HV_TRY(store.write(path + "/name", record.name));
    HV_TRY(store.write(path + "/uuid", to_string(record.uuid)));
    HV_TRY(store.write(path + "/file", record.file));
    HV_TRY(store.write(path + "/started", fmt::format("{}", now().count())));
    for (std::size_t chunk = 0; chunk * kChunk < record.xml.size(); ++chunk) {
        HV_TRY(store.write(fmt::format("{}/xml/{}", path, chunk), std::string_view{record.xml}.substr(chunk * kChunk, kChunk)));
    }
    return {};
}

Result<std::chrono::seconds> age_of(xenstore::StoreView const& store, DomId domain) {
    auto const text = HV_TRY(store.read(record_path(domain) + "/started"));
    std::int64_t started = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), started);
    if (error != std::errc{}) return fail(EINVAL, "{}/started is '{}'", record_path(domain), text);
    return now() - std::chrono::seconds{started};
}

Result<std::optional<DomainRecord>> read_record(xenstore::StoreView const& store, DomId domain) { return read_record(store, record_path(domain)); }

Result<std::optional<DomainRecord>> read_record(xenstore::StoreView const& store, std::string const& path) {
    auto const uuid_text = HV_TRY(store.read_if_present(path + "/uuid"));
    if (!uuid_text) return std::nullopt;
    DomainRecord record;
    record.uuid = parse_uuid(*uuid_text).value_or(Uuid{});
    record.name = HV_TRY(store.read(path + "/name"));
    record.file = HV_TRY(store.read(path + "/file"));
    for (std::size_t chunk = 0;; ++chunk) {
        auto const text = HV_TRY(store.read_if_present(fmt::format("{}/xml/{}", path, chunk)));
        if (!text) return record;
        record.xml += *text;
    }
}

Result<std::optional<Uuid>> find_restarting(xenstore::StoreView const& store, std::string const& name) {
    for (auto const& uuid : HV_TRY(children_of(store, kRestarting))) {
        if (HV_TRY(store.read_if_present(fmt::format("{}/{}/name", kRestarting, uuid))) == name) return parse_uuid(uuid);
    }
    return std::nullopt;
}

Result<std::vector<std::string>> children_of(xenstore::StoreView const& store, std::string const& path) {
    auto children = store.directory(path);
    if (!children && children.error().code() == ENOENT) return std::vector<std::string>{};
    return children;
}

std::optional<DomId> parse_domid(std::string const& text) {
    std::uint16_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || DomId{number} >= kDomIdFirstReserved) return std::nullopt;
    return DomId{number};
}

Result<std::vector<DomId>> recorded_domains(xenstore::StoreView const& store) {
    std::vector<DomId> domains;
    for (auto const& name : HV_TRY(children_of(store, kRecords))) {
        if (auto const domain = parse_domid(name)) domains.push_back(*domain);
    }
    std::ranges::sort(domains);
    return domains;
}

}  // namespace hospes::control
