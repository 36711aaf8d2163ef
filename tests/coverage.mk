# SPDX-License-Identifier: Apache-2.0
# `make coverage`: the host tests of the core once more, with gcov's counters and without sanitizers, in a folder of their own.

COVERAGE_OBJ   := $(OUT)/obj/coverage
COVERAGE_FLAGS := -std=gnu++20 -O0 -g --coverage $(WARN) -I. -MMD -MP
COVERAGE_LEAST := 85
COVERAGE_TESTS := $(OUT)/tests/coverage/hypervisor-unit $(OUT)/tests/coverage/hypervisor-property

coverage_objects = $(patsubst %.cpp,$(COVERAGE_OBJ)/%.o,$(1))

$(COVERAGE_OBJ)/%.o: %.cpp
	@mkdir -p $(@D)
	@$(CXX) $(COVERAGE_FLAGS) -c $< -o $@

# What is counted is the core, not the tests' framework.
$(COVERAGE_OBJ)/tests/support/main.o: COVERAGE_FLAGS := -std=gnu++20 -O0 -MMD -MP

# Every object of the core is linked, so that code which no test calls counts too.
COVERAGE_COMMON := $(call coverage_objects,$(HV_TEST_CORE) $(HV_TEST_SUPPORT) tests/support/main.cpp)

$(OUT)/tests/coverage/hypervisor-unit: $(call coverage_objects,$(HV_TEST_UNIT)) $(COVERAGE_COMMON)
$(OUT)/tests/coverage/hypervisor-property: $(call coverage_objects,$(HV_TEST_PROPERTY)) $(COVERAGE_COMMON)
$(COVERAGE_TESTS):
	@mkdir -p $(@D)
	@$(CXX) $(COVERAGE_FLAGS) $(HV_TEST_LINK) $^ -o $@

.PHONY: do-coverage
do-coverage: $(COVERAGE_TESTS)
	@find $(COVERAGE_OBJ) -name '*.gcda' -delete
	@for test in $(COVERAGE_TESTS); do echo "$$test"; $$test || exit 1; done
	@$(PYTHON) scripts/coverage.py --objects $(COVERAGE_OBJ) --least $(COVERAGE_LEAST) hypervisor/core hypervisor/hypercall

-include $(patsubst %.o,%.d,$(call coverage_objects,$(HV_TEST_UNIT) $(HV_TEST_PROPERTY)) $(COVERAGE_COMMON))
