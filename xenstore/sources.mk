# SPDX-License-Identifier: Apache-2.0
# What other folders link of xenstore; they come before it in the alphabet, so they include this file themselves.

# The client library; needs $(DOM0_BASE).
XENSTORE_WIRE   := $(addprefix xenstore/wire/,message.cpp error_name.cpp strings.cpp permission.cpp)
XENSTORE_CLIENT := $(addprefix xenstore/client/,stream_channel.cpp session.cpp view.cpp client.cpp) $(XENSTORE_WIRE)

# The server without its way to the world: xenstored is made from it, and tests that want a store of their own
# (xenstore/testing/memory_store.hpp) add it to the client library.
XENSTORE_SERVER := \
  $(addprefix xenstore/tree/,path.cpp node.cpp quota.cpp change.cpp tree.cpp operations.cpp) \
  $(addprefix xenstore/transactions/,read_set.cpp transaction.cpp) \
  xenstore/watches/watch_index.cpp \
  xenstore/transport/output_queue.cpp \
  $(addprefix xenstore/daemon/,connection.cpp control.cpp domain_requests.cpp domains.cpp messages.cpp node_requests.cpp \
    permission_requests.cpp server.cpp trace.cpp transaction_requests.cpp watch_requests.cpp)
