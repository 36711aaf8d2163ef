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

# `make fuzz` lets each target of tests/fuzz run for FUZZ_SECONDS. libFuzzer exists only in clang. A crash is written below out/fuzz; once
# understood, it belongs into tests/fuzz/regressions/<target>/, which each run plays first.
FUZZ_CXX     := clang++
FUZZ_SECONDS ?= 30
FUZZ_FLAGS   := -std=gnu++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. -Itests/fuzz -MMD -MP
FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.cpp,%,$(wildcard tests/fuzz/*_fuzz.cpp))
FUZZ_LIB     := $(OUT)/obj/fuzz/core.a

fuzz_objects = $(patsubst %.cpp,$(OUT)/obj/fuzz/%.o,$(1))

$(OUT)/obj/fuzz/%.o: %.cpp
	@command -v $(FUZZ_CXX) >/dev/null || { echo "make fuzz: there is no $(FUZZ_CXX); only clang has libFuzzer: apt-get install clang" >&2; exit 1; }
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) -c $< -o $@

$(FUZZ_LIB): $(call fuzz_objects,$(HV_TEST_CORE))
	@rm -f $@
	ar rcs $@ $^

$(FUZZ_TARGETS:%=$(OUT)/tests/fuzz/%): $(OUT)/tests/fuzz/%: $(OUT)/obj/fuzz/tests/fuzz/%_fuzz.o $(call fuzz_objects,$(HV_TEST_SUPPORT)) $(FUZZ_LIB)
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) $(HV_TEST_LINK) $^ -o $@

.PHONY: fuzz $(FUZZ_TARGETS:%=fuzz-%)
fuzz: $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(OUT)/tests/fuzz/%
	@mkdir -p $(OUT)/fuzz/$*/corpus
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=1024 -len_control=20 -artifact_prefix=$(OUT)/fuzz/$*/ $(OUT)/fuzz/$*/corpus $(wildcard tests/fuzz/regressions/$*)

-include $(patsubst %.o,%.d,$(call fuzz_objects,$(HV_TEST_CORE) $(HV_TEST_SUPPORT) $(wildcard tests/fuzz/*.cpp)))
