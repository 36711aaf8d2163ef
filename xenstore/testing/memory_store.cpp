// SPDX-License-Identifier: Apache-2.0
#include "xenstore/testing/memory_store.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace hospes::xenstore {

class FakeDomainLink final : public DomainLink {
public:
    FakeDomainLink(FakeDomainHost& host, DomId domain, Receiver& receiver) : host_{host}, domain_{domain}, receiver_{receiver} {}

    Status connect(EventPort port) override {
        if (host_.refused_.contains(port)) return fail(EINVAL, "port {} is not for us", port.raw());
        if (host_.connects_[domain_]++ > 0) receiver_.reset();
        return {};
    }
    void flush() override {}

private:
    FakeDomainHost& host_;
    DomId domain_;
    Receiver& receiver_;
};

namespace {

// Requests are carried out while they are sent; answers wait in the connection's own queue.
class MemoryChannel final : public Channel {
public:
    MemoryChannel(Server& server, DomId domain)
        : server_{server},
          connection_{server.add_connection({.domain = domain, .target = {}, .is_privileged = domain == kDomIdDom0}, "memory")},
          readable_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
        connection_.output().on_ready = [this] { set_readable(true); };
    }
    ~MemoryChannel() override { server_.remove_connection(connection_.id()); }

    Status send(Header header, std::string_view payload) override {
        header.length = static_cast<u32>(payload.size());
        server_.handle(connection_, header, std::string{payload});
        return {};
    }

    Result<std::optional<Message>> receive(Wait wait) override {
        auto& output = connection_.output();
        if (output.empty() && wait == Wait::yes) return fail(EPROTO, "the server has not answered");
        if (output.empty()) return std::nullopt;
        auto const bytes = std::string{output.front()};
        output.pop(bytes.size());
        if (output.empty()) set_readable(false);
        return Message{decode(std::span<char const, kHeaderSize>{bytes.data(), kHeaderSize}), bytes.substr(kHeaderSize)};
    }

    int fd() const override { return readable_.get(); }

private:
    void set_readable(bool readable) {
        u64 count = 1;
        // Fails only where there is nothing to change.
        if (readable) {
            [[maybe_unused]] auto const written = ::write(readable_.get(), &count, sizeof count);
        } else {
            [[maybe_unused]] auto const read = ::read(readable_.get(), &count, sizeof count);
        }
    }

    Server& server_;
    Connection& connection_;
    UniqueFd readable_;
};

}  // namespace

int FakeDomainHost::connect_count(DomId domain) const {
    auto const found = connects_.find(domain);
    return found == connects_.end() ? 0 : found->second;
}

std::optional<DomainState> FakeDomainHost::state_of(DomId domain) {
    auto const found = domains_.find(domain);
    return found == domains_.end() ? std::nullopt : std::optional{found->second};
}

Result<std::unique_ptr<DomainLink>> FakeDomainHost::open_link(DomId domain, Receiver& receiver) {
    return std::make_unique<FakeDomainLink>(*this, domain, receiver);
}

Client MemoryStore::connect(DomId domain) {
    if (domain != kDomIdDom0) host_.add(domain);
    auto client = Client::over(std::make_unique<MemoryChannel>(server_, domain));
    if (!client) {
        std::fprintf(stderr, "memory store: %s\n", client.error().message().c_str());
        std::abort();
    }
    return std::move(*client);
}

}  // namespace hospes::xenstore
