# SPDX-License-Identifier: Apache-2.0
# The scheduler under simulated load (tests/sim): a short run in `make test`, the whole table by `make sched-sim`. Compiled as the
# machine's core is, for the speed of it; only what the scheduler needs of the core.

SIM_SCALE ?= 5
SIM_OBJ   := $(OUT)/obj/sim
SIM_FLAGS := -std=gnu++20 -O2 -g -ffunction-sections $(WARN) -I. -MMD -MP
SIM_CORE  := $(wildcard hypervisor/core/sched/*.cpp) $(addprefix hypervisor/core/, domain/life_cycle.cpp event/event_channels.cpp event/two_level.cpp event/vcpu_events.cpp event/poll.cpp grant/grant_table.cpp)
SIM_PARTS := $(SIM_CORE) tests/support/hypervisor/fake_machine.cpp tests/sim/simulation.cpp tests/sim/measures.cpp tests/sim/scenarios.cpp

sim_objects = $(patsubst %.cpp,$(SIM_OBJ)/%.o,$(1))

HOST_TESTS += $(OUT)/tests/scheduler-sim

$(SIM_OBJ)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(SIM_FLAGS) -c $< -o $@

# A domain's life cycle is not called here, and what it would need is not linked.
$(OUT)/tests/scheduler-sim: $(call sim_objects,$(SIM_PARTS) tests/sim/scheduler_sim_test.cpp) $(HV_TEST_OBJ)/tests/support/main.o
$(OUT)/tests/scheduler-sim-table: $(call sim_objects,$(SIM_PARTS) tests/sim/table.cpp)
$(OUT)/tests/scheduler-sim $(OUT)/tests/scheduler-sim-table:
	@mkdir -p $(@D)
	$(CXX) $(SIM_FLAGS) -Wl,--gc-sections $^ -o $@

.PHONY: sched-sim
sched-sim: $(OUT)/tests/scheduler-sim-table
	@$< $(SIM_SCALE)

-include $(patsubst %.o,%.d,$(call sim_objects,$(SIM_PARTS) tests/sim/scheduler_sim_test.cpp tests/sim/table.cpp))
