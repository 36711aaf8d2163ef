// SPDX-License-Identifier: Apache-2.0
// What one unprivileged domain may use of xenstored, and what each uses of the tree. Privileged callers have no quota.
#pragma once

#include "hypervisor/base/strong.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace hospes::xenstore {

// Defaults are those of Xen 4.17's C xenstored.
struct Quotas {
    u32 nodes = 1000;              // owned
    u32 watches = 128;             // registered
    u32 transactions = 10;         // open
    u32 transaction_nodes = 1024;  // looked at or changed in one transaction
    u32 outstanding = 20;          // replies and events that the domain has not fetched yet: with more, it is not listened to
    u32 pending_events = 1024;     // beyond this, events are dropped
    u32 node_size = 2048;          // bytes of value and permissions of one node
    u32 permissions = 5;           // entries for one node
    u32 memory_soft = 2 << 20;     // bytes of nodes: a warning in the log
    u32 memory_hard = 5 << 19;     // bytes of nodes, and of open transactions: refused with ENOMEM
};

// A quota by its name in CONTROL "quota set".
struct QuotaName {
    std::string_view name;
    u32 Quotas::*limit;
};

inline constexpr std::array kQuotaNames{
    QuotaName{"nodes", &Quotas::nodes},
    QuotaName{"watches", &Quotas::watches},
    QuotaName{"transactions", &Quotas::transactions},
    QuotaName{"transaction-nodes", &Quotas::transaction_nodes},
    QuotaName{"outstanding", &Quotas::outstanding},
    QuotaName{"pending-events", &Quotas::pending_events},
    QuotaName{"node-size", &Quotas::node_size},
    QuotaName{"permissions", &Quotas::permissions},
    QuotaName{"memory-soft", &Quotas::memory_soft},
    QuotaName{"memory", &Quotas::memory_hard},
};

struct Usage {
    i64 nodes = 0;
    i64 bytes = 0;

    Usage& operator+=(Usage other) {
        nodes += other.nodes;
        bytes += other.bytes;
        return *this;
    }
    Usage operator-() const { return {-nodes, -bytes}; }
    friend bool operator==(Usage, Usage) = default;
};

// Who owns how much of one version of the tree. A value, copied with its tree.
class Ledger {
public:
    struct Row {
        DomId owner;
        Usage usage;
        friend bool operator==(Row const&, Row const&) = default;
    };

    Usage of(DomId owner) const;
    void charge(DomId owner, Usage amount);
    std::vector<Row> const& rows() const { return rows_; }
    friend bool operator==(Ledger const&, Ledger const&) = default;

private:
    std::vector<Row> rows_;  // sorted by owner; none that owns nothing
};

}  // namespace hospes::xenstore
