# SPDX-License-Identifier: Apache-2.0
# Mini-guests: every folder below guests/ becomes out/guests/<folder>.elf, linked with the runtime, and
# out/guests/<folder>.xml, which makes it a domain.

GUEST_OBJ   := $(OUT)/obj/guest-shims
GUEST_NAMES := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard guest-shims/guests/*/*.cpp)))))
GUESTS      := $(GUEST_NAMES:%=$(OUT)/guests/%.elf)
GUEST_FLAGS := -m64 -ffreestanding -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-stack-protector \
               -fno-asynchronous-unwind-tables -fcf-protection=none -O2 -fno-toplevel-reorder -g1 -MMD -MP -Iguest-shims
GUEST_CXX   := -std=gnu++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics $(WARN)

GUEST_RT    := $(patsubst %,$(GUEST_OBJ)/%.o,$(basename $(wildcard $(addprefix guest-shims/,rt/*.S rt/*.cpp xenbus/*.cpp))))
GUEST_RT    := $(GUEST_RT:$(GUEST_OBJ)/guest-shims/%=$(GUEST_OBJ)/%)

GUEST_XML   := $(GUEST_NAMES:%=$(OUT)/guests/%.xml)

ALL_TARGETS += $(GUESTS) $(GUEST_XML)
.PHONY: guests
guests: $(GUESTS) $(GUEST_XML)

$(OUT)/guests/%.xml: guest-shims/domain.xml
	@mkdir -p $(@D)
	sed 's/@NAME@/$*/g' $< > $@

$(GUEST_OBJ)/%.o: guest-shims/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(GUEST_FLAGS) $(GUEST_CXX) -c $< -o $@

$(GUEST_OBJ)/%.o: guest-shims/%.S
	@mkdir -p $(@D)
	$(CC) $(GUEST_FLAGS) -c $< -o $@

# $(1): guest. Its objects come after the runtime's, in the order of the file names: that is the order of its tests.
define guest_rule
GUEST_PARTS_$(1) := $$(sort $$(patsubst guest-shims/%,$(GUEST_OBJ)/%.o,$$(basename $$(wildcard guest-shims/guests/$(1)/*.cpp guest-shims/guests/$(1)/*.S))))
$(OUT)/guests/$(1).elf: $(GUEST_RT) $$(GUEST_PARTS_$(1)) guest-shims/rt/link.ld
	@mkdir -p $$(@D)
	$(CC) -nostdlib -static -no-pie -Wl,-T,guest-shims/rt/link.ld -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	    -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $$@ $(GUEST_RT) $$(GUEST_PARTS_$(1))
-include $$(GUEST_PARTS_$(1):.o=.d)
endef
$(foreach guest,$(GUEST_NAMES),$(eval $(call guest_rule,$(guest))))
-include $(GUEST_RT:.o=.d)

# The same guest on both hypervisors, and a long run of random calls (SOAK_SEED, SOAK_CALLS).
.PHONY: abi-check soak
abi-check: $(GUESTS) $(OUT)/hypervisor/hospes.efi
	$(PYTHON) tests/guest/harness/abi_check.py

soak: $(GUESTS) $(OUT)/hypervisor/hospes.efi
	SOAK_SEED='$(SEED)' SOAK_CALLS='$(or $(CALLS),200000)' $(PYTHON) tests/guest/soak.py
