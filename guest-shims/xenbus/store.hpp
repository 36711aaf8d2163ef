// SPDX-License-Identifier: Apache-2.0
// A client of xenstore over the domain's own ring (xen/io/xs_wire.h): one request at a time, no transactions.
#pragma once
#include "rt/abi.hpp"

namespace hospes::guest {

/// The store of a domain that was given a ring (start_info.store_mfn).
class Store {
public:
    /// Finds the ring; unmasks its port, so that a reply wakes a blocked vcpu.
    Store();

    bool available() const { return ring_ != nullptr; }

    /// Reads the value of `path` into `out`, cut to size-1 and terminated. Returns 0, or the store's error as a negative
    /// errno (ENOENT, EACCES, EINVAL ...), EIO for a broken ring, EAGAIN when nobody answers within `patience` seconds.
    long read(const char *path, char *out, size_t size);
    /// Writes `value` (text, without its terminator). Returns as read does.
    long write(const char *path, const char *value);

    void set_patience(u64 seconds) { patience_ = seconds; }

private:
    long request(u32 type, const char *path, const char *value, char *out, size_t size);
    bool send(const void *data, u32 length);
    bool receive(void *data, u32 length);
    bool skip(u32 length);
    bool wait_for_progress();
    void notify() const;

    xenstore_domain_interface *ring_ = nullptr;
    u32 port_ = 0;
    u32 next_id_ = 1;
    u64 patience_ = 30;
    u64 deadline_ = 0;
};

}  // namespace hospes::guest
