# SPDX-License-Identifier: Apache-2.0
# xenstored, its client library and the small tools.

include xenstore/sources.mk

$(call dom0_program,xenstored,$(XENSTORE_SERVER) $(XENSTORE_WIRE) $(DOM0_BASE) $(DOM0_PORTS) $(DOM0_PRIVCMD) \
  $(addprefix xenstore/transport/,guest_ring.cpp ring_transport.cpp socket_listener.cpp socket_transport.cpp) \
  $(addprefix xenstore/daemon/,hypervisor_host.cpp main.cpp options.cpp service.cpp))

$(call dom0_test,xenstore_test,$(sort $(shell find tests/unit/xenstore -name '*.cpp')) xenstore/testing/memory_store.cpp \
  $(XENSTORE_SERVER) $(XENSTORE_CLIENT) $(DOM0_BASE))
