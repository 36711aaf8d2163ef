// SPDX-License-Identifier: Apache-2.0
#include "xenstore/daemon/requests.hpp"
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore::requests {

namespace {

constexpr auto kInvalid = std::unexpected{WireError::invalid};

std::optional<DomId> parse_domain(std::string_view text) {
    auto const number = parse_number<u16>(text);
    if (!number || DomId{*number} >= kDomIdFirstReserved) return std::nullopt;
    return DomId{*number};
}

std::optional<DomId> only_domain(Request const& request) {
    auto const text = single_string(request.payload);
    return text ? parse_domain(*text) : std::nullopt;
}

WireResult<std::string> answer(WireResult<void> const& result) {
    if (!result) return std::unexpected{result.error()};
    return ok();
}

std::string one_string(std::string_view text) {
    std::string payload;
    append_string(payload, text);
    return payload;
}

}  // namespace

// Arguments: domain, frame of the ring (not used: the ring is granted to us), port; more are reserved.
WireResult<std::string> introduce(Request& request) {
    auto const arguments = split_strings(request.payload);
    if (!arguments || arguments->size() < 3) return kInvalid;
    auto const domain = parse_domain((*arguments)[0]);
    auto const port = parse_number<u32>((*arguments)[2]);
    if (!domain || !port || *port == 0) return kInvalid;
    // The control domain's ring is set up at start; and nobody cuts off the branch he sits on.
    if (*domain == kDomIdDom0 || *domain == request.client.caller().domain) return kInvalid;
    return answer(request.server.domains().introduce(*domain, EventPort{*port}));
}

WireResult<std::string> release(Request& request) {
    auto const domain = only_domain(request);
    if (!domain || *domain == kDomIdDom0 || *domain == request.client.caller().domain) return kInvalid;
    return answer(request.server.domains().release(*domain));
}

WireResult<std::string> get_domain_path(Request& request) {
    auto const domain = only_domain(request);
    if (!domain) return kInvalid;
    return one_string(home_of(*domain));
}

WireResult<std::string> is_domain_introduced(Request& request) {
    auto const domain = only_domain(request);
    if (!domain) return kInvalid;
    // The control domain is always connected, by the socket if not by its kernel's ring.
    return one_string(*domain == kDomIdDom0 || request.server.domains().is_introduced(*domain) ? "T" : "F");
}

WireResult<std::string> resume(Request& request) {
    auto const domain = only_domain(request);
    if (!domain) return kInvalid;
    return answer(request.server.domains().resume(*domain));
}

WireResult<std::string> set_target(Request& request) {
    auto const arguments = split_strings(request.payload);
    if (!arguments || arguments->size() != 2) return kInvalid;
    auto const domain = parse_domain((*arguments)[0]);
    auto const target = parse_domain((*arguments)[1]);
    if (!domain || !target || *domain == kDomIdDom0) return kInvalid;
    return answer(request.server.domains().set_target(*domain, *target));
}

}  // namespace hospes::xenstore::requests
