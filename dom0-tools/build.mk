# SPDX-License-Identifier: Apache-2.0
# The control domain's programs. One program is one line: $(call dom0_program,NAME,SOURCES,EXTRA LIBRARIES);
# with dom0_static_program it needs no shared library.
# One test program is one line too: $(call dom0_test,NAME,SOURCES,EXTRA LIBRARIES); it is built with the sanitizers.
# Other folders (xenstore, dom0-tools/control.mk) use the same two lines.

DOM0_CXXFLAGS := -std=gnu++23 -O2 -g -ffunction-sections -fdata-sections $(WARN) -I. -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -MMD -MP
DOM0_LIBS     := -lspdlog -lfmt -luv
# (The sanitizers make GCC 12 see uninitialized variables in the standard library.)
DOM0_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -O1 -Wno-maybe-uninitialized

# Objects lie below out/obj/dom0 and out/obj/dom0-test, by the path of their source.
dom0_objects      = $(patsubst %.cpp,$(OUT)/obj/dom0/%.o,$(1))
dom0_test_objects = $(patsubst %.cpp,$(OUT)/obj/dom0-test/%.o,$(1))

$(OUT)/obj/dom0/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(DOM0_CXXFLAGS) -c $< -o $@

$(OUT)/obj/dom0-test/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(DOM0_CXXFLAGS) $(DOM0_SANITIZE) -c $< -o $@

# Catch2's own code is slow to compile and not what is tested.
$(OUT)/obj/dom0-test/tests/unit/dom0-tools/main.o: DOM0_SANITIZE := -O0

define dom0_program_rules
ALL_TARGETS += $(OUT)/dom0/bin/$(1)
$(OUT)/dom0/bin/$(1): $(call dom0_objects,$(2))
	@mkdir -p $$(@D)
	$$(CXX) $$^ -o $$@ $(3) $$(DOM0_LIBS)
-include $(patsubst %.o,%.d,$(call dom0_objects,$(2)))
endef
dom0_program = $(eval $(call dom0_program_rules,$(strip $(1)),$(2),$(3)))

# A command starts anew each time: dynamic linking would be most of what it does. What Debian has no archive of is compiled here.
DOM0_STATIC        := $(wildcard dom0-tools/static/*.cpp)
DOM0_STATIC_LIBS   := -luv_a
DOM0_STATIC_FLAGS  := -static-pie -Wl,--gc-sections
# The linker warns of functions that glibc loads libraries for, which libxml2 and libuv have and none of ours calls. Another warning is an error.
DOM0_STATIC_KNOWN  := 'in statically linked applications requires at runtime|: in function `'

define dom0_static_program_rules
ALL_TARGETS += $(OUT)/dom0/bin/$(1)
$(OUT)/dom0/bin/$(1): $(call dom0_objects,$(2) $(DOM0_STATIC))
	@mkdir -p $$(@D)
	$$(CXX) $$(DOM0_STATIC_FLAGS) $$^ -o $$@ $(3) $$(DOM0_STATIC_LIBS) 2>$$@.said || { cat $$@.said; exit 1; }
	! grep -vE $$(DOM0_STATIC_KNOWN) $$@.said || { rm $$@; exit 1; }
	@rm $$@.said
-include $(patsubst %.o,%.d,$(call dom0_objects,$(2) $(DOM0_STATIC)))
endef
dom0_static_program = $(eval $(call dom0_static_program_rules,$(strip $(1)),$(2),$(3)))

define dom0_test_rules
HOST_TESTS += $(OUT)/tests/$(1)
$(OUT)/tests/$(1): $(call dom0_test_objects,$(2) tests/unit/dom0-tools/main.cpp)
	@mkdir -p $$(@D)
	$$(CXX) $$(DOM0_SANITIZE) $$^ -o $$@ $(3) $$(DOM0_LIBS)
-include $(patsubst %.o,%.d,$(call dom0_test_objects,$(2)))
endef
dom0_test = $(eval $(call dom0_test_rules,$(strip $(1)),$(2),$(3)))

# What nearly every program of the control domain is made from.
DOM0_BASE  := $(addprefix dom0-tools/base/,error.cpp unique_fd.cpp cpu_set.cpp disk_counters.cpp event_loop.cpp log.cpp)
DOM0_PORTS := $(addprefix dom0-tools/ports/,event_channel.cpp event_channel_linux.cpp event_channel_watched.cpp grant_linux.cpp copy_segments.cpp granted_memory.cpp)
# What waits in io_uring besides; needs -luring.
DOM0_RING  := dom0-tools/base/completion_ring.cpp dom0-tools/ports/port_stream.cpp

DOM0_WIRE  := $(wildcard dom0-tools/wire/*.cpp)

include xenstore/sources.mk

# The device daemons: the xenbus handshake, and each its own folder.
DOM0_BACKEND := $(wildcard dom0-tools/backend/*.cpp) $(DOM0_BASE) $(DOM0_PORTS) $(DOM0_WIRE) $(XENSTORE_CLIENT)
daemon_sources = $(wildcard dom0-tools/$(1)/*.cpp) $(DOM0_BACKEND)

$(call dom0_program,consoled,$(call daemon_sources,consoled))
$(call dom0_program,blkbackd,$(call daemon_sources,blkbackd) $(DOM0_RING) dom0-tools/ports/event_channel_ring.cpp,-luring)
$(call dom0_program,netbackd,$(call daemon_sources,netbackd))

# What the host can test of all that: everything but the real devices and the main functions.
DOM0_TESTED := base ports wire backend consoled blkbackd netbackd
$(call dom0_test,dom0_base_test,$(wildcard $(foreach part,$(DOM0_TESTED),tests/unit/dom0-tools/$(part)/*.cpp)) \
  $(filter-out %/main.cpp %/daemon.cpp,$(wildcard $(foreach part,backend wire consoled blkbackd netbackd,dom0-tools/$(part)/*.cpp))) \
  $(DOM0_BASE) $(DOM0_RING) $(addprefix dom0-tools/ports/,event_channel.cpp copy_segments.cpp) xenstore/testing/memory_store.cpp $(XENSTORE_SERVER) $(XENSTORE_CLIENT),-luring)

-include dom0-tools/control.mk
