// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/backend_wait.hpp"

#include "dom0-tools/control/daemon_log.hpp"

#include <poll.h>

#include <algorithm>

namespace hospes::control {
namespace {

using Clock = std::chrono::steady_clock;

Result<bool> is_connected(xenstore::Client& store, BackendDevice const& device, std::string const& file) {
    auto const status = HV_TRY(store.read_if_present(device.path + "/hotplug-status"));
    if (status == "connected") return true;
    if (status != "error" && status != "busy") return false;
    auto const reason = HV_TRY(store.read_if_present(device.path + "/hotplug-error"));
    return fail(EIO, "{}:{}: {}: {}", file, device.line, device.label,
                reason.value_or(device.daemon + " has refused it without a reason"));
}

Result<bool> is_closed(xenstore::Client& store, std::string const& path) {
    auto const state = HV_TRY(store.read_if_present(path + "/state"));
    return !state || state == "6";
}

Status wait_for_event(xenstore::Client& store, Clock::time_point deadline) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd descriptor{store.fd(), POLLIN, 0};
    int const ready = ::poll(&descriptor, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno != EINTR) return fail_errno("wait for xenstore");
    return store.dispatch();
}

}  // namespace

Status wait_for_backends(xenstore::Client& store, std::vector<BackendDevice> const& devices, std::string const& file,
                         std::chrono::milliseconds patience) {
    auto const deadline = Clock::now() + patience;
    for (auto const& device : devices) {
        auto const watch = HV_TRY(store.watch(device.path, [](std::string_view) {}));
        while (!HV_TRY(is_connected(store, device, file))) {
            if (Clock::now() >= deadline) {
                return fail(ETIMEDOUT, "{}:{}: {}: {} has not answered for {} s; is it running? See {}",
                            file, device.line, device.label, device.daemon, patience.count() / 1000, log_of(device.daemon));
            }
            HV_TRY(wait_for_event(store, deadline));
        }
    }
    return {};
}

Status wait_until_closed(xenstore::Client& store, DomId domain, std::chrono::milliseconds patience) {
    auto const deadline = Clock::now() + patience;
    for (auto const& path : HV_TRY(backend_paths(store, domain))) {
        auto const watch = HV_TRY(store.watch(path, [](std::string_view) {}));
        while (!HV_TRY(is_closed(store, path))) {
            if (Clock::now() >= deadline) return fail(ETIMEDOUT, "{} is not closed after {} s", path, patience.count() / 1000);
            HV_TRY(wait_for_event(store, deadline));
        }
    }
    return {};
}

}  // namespace hospes::control
