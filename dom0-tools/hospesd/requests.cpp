// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/hospesd/requests.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace hospes::hospesd {
namespace {

using control::DomainControl;
using nlohmann::json;

Result<std::string> text_member(json const& request, char const* name) {
    auto const member = request.find(name);
    if (member != request.end() && member->is_string()) return member->get<std::string>();
    return fail(EINVAL, "the request has no text member '{}'", name);
}

Result<DomId> domain_member(json const& request) {
    auto const member = request.find("id");
    if (member == request.end() || !member->is_number_unsigned() || *member >= kDomIdFirstReserved.raw()) {
        return fail(EINVAL, "the request has no domain number 'id'");
    }
    return DomId{member->get<std::uint16_t>()};
}

Result<json> create(DomainControl& control, json const& request) {
    auto const paused = request.find("paused");
    control::CreateRequest order;
    order.xml = HV_TRY(text_member(request, "xml"));
    order.file = HV_TRY(text_member(request, "file"));
    order.leave_paused = paused != request.end() && *paused == true;
    auto const created = HV_TRY(control.create(order));
    spdlog::info("domain {} ({}) is created", created.id.raw(), created.name);
    return json{{"id", created.id.raw()}, {"name", created.name}, {"warnings", created.warnings}};
}

Result<json> destroy(DomainControl& control, json const& request) {
    if (!request.contains("uuid")) {
        auto const domain = HV_TRY(domain_member(request));
        HV_TRY(control.destroy(domain));
        spdlog::info("domain {} is destroyed", domain.raw());
        return json::object();
    }
    auto const uuid = control::parse_uuid(HV_TRY(text_member(request, "uuid")));
    if (!uuid) return fail(EINVAL, "the request's 'uuid' is none");
    std::optional<DomId> last_known;
    if (request.contains("id")) last_known = HV_TRY(domain_member(request));
    HV_TRY(control.destroy(*uuid, last_known));
    spdlog::info("the domain with uuid {} is destroyed", to_string(*uuid));
    return json::object();
}

Result<json> ping(DomainControl&, json const&) { return json::object(); }

constexpr std::array kRequests{
    Request{"create", "xml, file, paused", create},
    Request{"destroy", "id, uuid", destroy},
    Request{"ping", "", ping},
};

Result<json> run(DomainControl& control, std::string const& line) {
    auto const request = json::parse(line, nullptr, false);
    if (!request.is_object()) return fail(EINVAL, "the request is no JSON object");
    auto const verb = HV_TRY(text_member(request, "verb"));
    auto const row = std::ranges::find(kRequests, verb, &Request::verb);
    if (row == kRequests.end()) return fail(EINVAL, "hospesd does not know the request '{}'", verb.substr(0, 40));
    return row->run(control, request);
}

std::string to_line(json const& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::span<Request const> requests() { return kRequests; }

std::string answer(DomainControl& control, std::string const& line) {
    auto result = run(control, line);
    if (!result) {
        return to_line({{"ok", false}, {"error", result.error().message()}, {"code", result.error().code()}});
    }
    (*result)["ok"] = true;
    return to_line(*result);
}

}  // namespace hospes::hospesd
