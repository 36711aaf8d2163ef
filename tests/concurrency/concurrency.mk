# SPDX-License-Identifier: Apache-2.0
# Run queues, events, polls, timers and page types of the core under several pcpus at once (tests/concurrency): every order of their steps by an
# explorer (lost-wakeups), and host threads under the thread sanitizer (races). Only what they need of the core.

CONC_CORE := $(wildcard hypervisor/core/sched/*.cpp) $(addprefix hypervisor/core/, domain/life_cycle.cpp domain/domain_list.cpp event/event_channels.cpp \
	event/two_level.cpp event/vcpu_events.cpp event/poll.cpp event/virq.cpp grant/grant_table.cpp time/timers.cpp) hypervisor/hypercall/sched_op.cpp hypervisor/hypercall/foreign.cpp

LOST_OBJ   := $(OUT)/obj/lost-wakeups
LOST_FLAGS := -std=gnu++20 -O2 -g -ffunction-sections $(WARN) -I. -include tests/concurrency/instrumented_atomic.hpp -MMD -MP
LOST_PARTS := $(CONC_CORE) $(addprefix tests/concurrency/,small_machine.cpp explorer.cpp lost_wakeups_test.cpp)

lost_objects = $(patsubst %.cpp,$(LOST_OBJ)/%.o,$(1))

HOST_TESTS += $(OUT)/tests/lost-wakeups

$(LOST_OBJ)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(LOST_FLAGS) -c $< -o $@

$(OUT)/tests/lost-wakeups: $(call lost_objects,$(LOST_PARTS)) $(HV_TEST_OBJ)/tests/support/main.o
	@mkdir -p $(@D)
	$(CXX) -Wl,--gc-sections $^ -o $@

-include $(patsubst %.o,%.d,$(call lost_objects,$(LOST_PARTS)))

# Page types, page tables, the heap, grants and ports, in the explorer too.
ORDERS_PARTS := $(filter-out hypervisor/hypercall/%,$(CONC_CORE)) $(wildcard hypervisor/core/mm/*.cpp) hypervisor/core/domain/memory.cpp \
	$(addprefix hypervisor/core/,event/check.cpp grant/copy.cpp grant/maptrack.cpp pv/descriptors.cpp) \
	$(addprefix tests/concurrency/,small_memory.cpp explorer.cpp page_type_orders_test.cpp grant_orders_test.cpp port_orders_test.cpp)

HOST_TESTS += $(OUT)/tests/memory-orders

$(OUT)/tests/memory-orders: $(call lost_objects,$(ORDERS_PARTS)) $(HV_TEST_OBJ)/tests/support/main.o
	@mkdir -p $(@D)
	$(CXX) -Wl,--gc-sections $^ -o $@

-include $(patsubst %.o,%.d,$(call lost_objects,$(ORDERS_PARTS)))

RACES_OBJ   := $(OUT)/obj/races
RACES_FLAGS := -std=gnu++20 -O1 -g -fsanitize=thread -ffunction-sections $(WARN) -I. -MMD -MP
RACES_PARTS := $(CONC_CORE) $(addprefix tests/concurrency/,small_machine.cpp races_test.cpp)

races_objects = $(patsubst %.cpp,$(RACES_OBJ)/%.o,$(1))

HOST_TESTS += $(OUT)/tests/races

$(RACES_OBJ)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(RACES_FLAGS) -c $< -o $@

$(OUT)/tests/races: $(call races_objects,$(RACES_PARTS)) $(HV_TEST_OBJ)/tests/support/main.o
	@mkdir -p $(@D)
	$(CXX) -fsanitize=thread -Wl,--gc-sections $^ -o $@

-include $(patsubst %.o,%.d,$(call races_objects,$(RACES_PARTS)))
