// SPDX-License-Identifier: Apache-2.0
#include "xenstore/client/client.hpp"

#include "xenstore/client/stream_channel.hpp"
#include "xenstore/wire/strings.hpp"

namespace hospes::xenstore {

namespace {

std::string text(DomId domain) { return std::to_string(domain.raw()); }

Status without_payload(Result<std::string> const& reply) {
    if (!reply) return std::unexpected{reply.error()};
    return {};
}

}  // namespace

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this == &other) return *this;
    reset();
    session_ = std::move(other.session_);
    path_ = std::move(other.path_);
    token_ = std::move(other.token_);
    return *this;
}

void Watch::reset() {
    if (auto const session = std::exchange(session_, nullptr)) session->remove_watch(path_, token_);
}

Result<Client::Transaction> Client::Transaction::begin(std::shared_ptr<Session> session) {
    auto const reply = HV_TRY(session->call(MessageType::transaction_start, 0, std::string_view{"\0", 1}));
    auto const id = parse_number<TransactionId>(single_string(reply).value_or(""));
    if (!id || *id == 0) return fail(EPROTO, "xenstore: the server sent no transaction number");
    return Transaction{std::move(session), *id};
}

Client::Transaction::~Transaction() {
    if (!is_open_) return;
    drop_gathered();
    // An abort fails only if the connection is lost, and then the transaction is gone as well.
    (void)call(MessageType::transaction_end, {"F"});
}

Status Client::Transaction::commit() {
    HV_TRY(send_gathered());
    is_open_ = false;  // whatever the answer, the server has forgotten it
    return without_payload(call(MessageType::transaction_end, {"T"}));
}

Result<Client> Client::over(std::unique_ptr<Channel> channel) {
    auto session = HV_TRY(Session::over(std::move(channel)));
    return Client{std::move(session)};
}

Result<Client> Client::open() {
    auto channel = HV_TRY(connect_to_xenstore());
    return over(std::move(channel));
}

Result<Client> Client::open(std::string const& path) {
    auto channel = HV_TRY(connect_to(path));
    return over(std::move(channel));
}

Result<Watch> Client::watch(std::string_view path, WatchCallback callback) const {
    auto token = HV_TRY(session().add_watch(path, std::move(callback)));
    return Watch{shared_session(), std::string{path}, std::move(token)};
}

Status Client::introduce(DomId domain, Gfn ring, EventPort port) const {
    return without_payload(call(MessageType::introduce, {text(domain), std::to_string(ring.raw()), std::to_string(port.raw())}));
}

Status Client::release(DomId domain) const { return without_payload(call(MessageType::release, {text(domain)})); }

Result<bool> Client::is_introduced(DomId domain) const {
    return single_string(HV_TRY(call(MessageType::is_domain_introduced, {text(domain)}))) == "T";
}

Status Client::resume(DomId domain) const { return without_payload(call(MessageType::resume, {text(domain)})); }

Status Client::set_target(DomId domain, DomId target) const {
    return without_payload(call(MessageType::set_target, {text(domain), text(target)}));
}

Result<std::string> Client::domain_path(DomId domain) const {
    auto const reply = HV_TRY(call(MessageType::get_domain_path, {text(domain)}));
    auto const path = single_string(reply);
    if (!path) return fail(EPROTO, "xenstore: a malformed path of domain {}", domain.raw());
    return std::string{*path};
}

Result<std::string> Client::control(std::vector<std::string> const& words) const {
    std::string payload;
    for (auto const& word : words) append_string(payload, word);
    auto const reply = HV_TRY(session().call(MessageType::control, 0, payload));
    return reply.substr(0, reply.find('\0'));
}

}  // namespace hospes::xenstore
