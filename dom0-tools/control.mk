# SPDX-License-Identifier: Apache-2.0
# hospesd, the hospes command, and the library behind both.

include xenstore/sources.mk

CONTROL_PRIVCMD := $(addprefix dom0-tools/ports/,privcmd.cpp privcmd_linux.cpp privcmd_control.cpp privcmd_sched.cpp hypercall_buffer.cpp)
CONTROL_LIB     := $(wildcard dom0-tools/control/*.cpp)
CONTROL_LIBS    := -lxml2 -llzma -lzstd -llz4 -lz

$(OUT)/obj/dom0/dom0-tools/control/%.o $(OUT)/obj/dom0-test/dom0-tools/control/%.o: DOM0_CXXFLAGS += -isystem /usr/include/libxml2
$(OUT)/obj/dom0-test/tests/unit/dom0-tools/%.o: DOM0_CXXFLAGS += -isystem /usr/include/libxml2

CONTROL_TEST_SUPPORT := $(wildcard tests/support/dom0/*.cpp) xenstore/testing/memory_store.cpp $(XENSTORE_SERVER) \
  $(XENSTORE_CLIENT) $(DOM0_BASE)

# All programs of this folder in one test program: each shares the library with the others.
$(call dom0_test,control_test,$(wildcard $(addprefix tests/unit/dom0-tools/,control/*.cpp hospesd/*.cpp cli/*.cpp)) \
  $(CONTROL_LIB) $(CONTROL_PRIVCMD) $(CONTROL_TEST_SUPPORT) \
  $(filter-out %/main.cpp,$(wildcard dom0-tools/hospesd/*.cpp dom0-tools/cli/*.cpp)),$(CONTROL_LIBS))

$(call dom0_static_program,hospesd,$(wildcard dom0-tools/hospesd/*.cpp) $(CONTROL_LIB) $(CONTROL_PRIVCMD) $(XENSTORE_CLIENT) $(DOM0_BASE),$(CONTROL_LIBS) -licuuc)
$(call dom0_static_program,hospes,$(wildcard dom0-tools/cli/*.cpp) $(CONTROL_LIB) $(CONTROL_PRIVCMD) $(XENSTORE_CLIENT) $(DOM0_BASE),$(CONTROL_LIBS) -licuuc)
