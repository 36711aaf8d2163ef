# SPDX-License-Identifier: Apache-2.0
# xenstored, its client library and the small tools.

include xenstore/sources.mk

XENSTORE_TRANSPORT := $(addprefix xenstore/transport/,guest_ring.cpp ring_transport.cpp socket_listener.cpp socket_transport.cpp)
PRIVCMD := $(addprefix dom0-tools/ports/,privcmd.cpp privcmd_linux.cpp privcmd_control.cpp privcmd_sched.cpp hypercall_buffer.cpp)

$(call dom0_program,xenstored,$(XENSTORE_SERVER) $(XENSTORE_WIRE) $(DOM0_BASE) $(DOM0_PORTS) $(PRIVCMD) \
  $(XENSTORE_TRANSPORT) \
  $(DOM0_RING) dom0-tools/ports/event_channel_ring.cpp \
  $(addprefix xenstore/daemon/,hypervisor_host.cpp main.cpp options.cpp service.cpp),-luring)

# One program under many names.
XENSTORE_TOOLS := $(addprefix xenstore-,chmod control exists list ls read rm watch write)

$(call dom0_static_program,hospes-xenstore,$(wildcard xenstore/tools/*.cpp) $(XENSTORE_CLIENT) $(DOM0_BASE))

ALL_TARGETS += $(addprefix $(OUT)/dom0/bin/,$(XENSTORE_TOOLS))
$(addprefix $(OUT)/dom0/bin/,$(XENSTORE_TOOLS)): $(OUT)/dom0/bin/hospes-xenstore
	ln -sf $(<F) $@

$(call dom0_test,xenstore_test,$(sort $(shell find tests/unit/xenstore -name '*.cpp')) xenstore/testing/memory_store.cpp \
  $(XENSTORE_SERVER) $(XENSTORE_CLIENT) $(XENSTORE_TRANSPORT) xenstore/daemon/service.cpp $(DOM0_BASE) $(DOM0_RING) dom0-tools/ports/event_channel.cpp,-luring)
