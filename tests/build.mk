# SPDX-License-Identifier: Apache-2.0
# Tests of the hypervisor core on this machine: its floors 0 to 5 are compiled for the host, with sanitizers, against the fake machine of
# tests/support/hypervisor. A test file below tests/unit/{base,x86,core,hypercall} or tests/property is picked up by being there.

HV_TEST_OBJ   := $(OUT)/obj/hypervisor-test
HV_TEST_FLAGS := -std=gnu++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all $(WARN) -I. -MMD -MP

# Between the core and its heap stands tests/support/hypervisor/fault_injection.cpp.
HV_TEST_LINK  := -Wl,--wrap=_ZN6hospes4Heap5allocEjj

HV_TEST_PARTS    := base x86 core hypercall
HV_TEST_SUPPORT  := $(sort $(wildcard tests/support/hypervisor/*.cpp))
HV_TEST_PROPERTY := $(sort $(wildcard tests/property/*.cpp))
HV_TEST_CORE     := $(sort $(shell find $(addprefix hypervisor/,$(HV_TEST_PARTS)) -name '*.cpp'))
HV_TEST_UNIT     := $(sort $(shell find $(wildcard $(addprefix tests/unit/,support $(HV_TEST_PARTS))) -name '*.cpp'))

hv_test_objects = $(patsubst %.cpp,$(HV_TEST_OBJ)/%.o,$(1))
HV_TEST_LIB    := $(OUT)/obj/hypervisor-test/core.a
HV_TEST_COMMON := $(call hv_test_objects,$(HV_TEST_SUPPORT) tests/support/main.cpp)

HOST_TESTS += $(OUT)/tests/hypervisor-unit $(OUT)/tests/hypervisor-property

# An archive: a test program links the parts of the core that it uses.
$(HV_TEST_LIB): $(call hv_test_objects,$(HV_TEST_CORE))
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(HV_TEST_OBJ)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(HV_TEST_FLAGS) -c $< -o $@

# Catch2's own code is slow to compile and not what is tested.
$(HV_TEST_OBJ)/tests/support/main.o: HV_TEST_FLAGS := -std=gnu++20 -O0 -MMD -MP

$(OUT)/tests/hypervisor-unit: $(call hv_test_objects,$(HV_TEST_UNIT)) $(HV_TEST_COMMON) $(HV_TEST_LIB)
	@mkdir -p $(@D)
	$(CXX) $(HV_TEST_FLAGS) $(HV_TEST_LINK) $^ -o $@

$(OUT)/tests/hypervisor-property: $(call hv_test_objects,$(HV_TEST_PROPERTY)) $(HV_TEST_COMMON) $(HV_TEST_LIB)
	@mkdir -p $(@D)
	$(CXX) $(HV_TEST_FLAGS) $(HV_TEST_LINK) $^ -o $@

-include $(patsubst %.o,%.d,$(call hv_test_objects,$(HV_TEST_CORE) $(HV_TEST_UNIT) $(HV_TEST_PROPERTY)) $(HV_TEST_COMMON))

include tests/coverage.mk
include tests/mutants.mk
include tests/sim/sim.mk
include tests/concurrency/concurrency.mk
include tests/fuzz/fuzz.mk
