// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/store_connection.hpp"

#include "xenstore/client/stream_channel.hpp"

#include <thread>

namespace hospes::backend {

Result<xenstore::Client> connect_to_store(int attempts) {
    for (int attempt = 1;; ++attempt) {
        auto client = xenstore::Client::open(xenstore::socket_path());
        if (client || attempt == attempts) return client;
        std::this_thread::sleep_for(kConnectPause);
    }
}

}  // namespace hospes::backend
