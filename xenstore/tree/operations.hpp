// SPDX-License-Identifier: Apache-2.0
// The operations on one version of the tree, for one caller: permissions, quotas, and the errors of the protocol.
// All that can fail comes before the first change. What an operation's outcome depends on is told to an observer, from
// which a transaction learns whether it could still be carried out later (transactions/).
#pragma once

#include "xenstore/tree/tree.hpp"

namespace hospes::xenstore {

// What can be known of a node. A set of bits.
enum class Aspects : u8 { none = 0, existence = 1, value = 2, children = 4, permissions = 8 };

constexpr Aspects operator|(Aspects a, Aspects b) { return static_cast<Aspects>(static_cast<u8>(a) | static_cast<u8>(b)); }
constexpr bool includes(Aspects set, Aspects one) { return (static_cast<u8>(set) & static_cast<u8>(one)) != 0; }

class Observer {
public:
    virtual ~Observer() = default;
    // An outcome depends on these aspects of the node at `path`, which may be missing.
    virtual void saw(std::string_view path, Aspects aspects) = 0;
};

// On whose behalf, under which limits, and who wants to know. The references outlive the operation.
struct Context {
    Caller const& caller;
    Quotas const& quotas;
    Observer* observer = nullptr;
};

// A change that a client asks for.
struct Operation {
    enum class Kind : u8 { write, mkdir, rm, set_perms };

    Kind kind;
    Path path;
    std::string value;        // write
    Permissions permissions;  // set_perms
};

// The node, to be read: `wanted` says which part of it. ENOENT: missing; EACCES: not readable, or missing below a node
// that the caller may not read.
WireResult<Node const*> look_up(Tree const& tree, Path const& path, Aspects wanted, Context const& context);

// Carries an operation out. On an error nothing has changed: EACCES, ENOENT as above; EINVAL to remove the root; EPERM to
// give a node away; ENOSPC, ENOMEM beyond a quota.
WireResult<Changes> apply(Tree& tree, Operation const& operation, Context const& context);

}  // namespace hospes::xenstore
