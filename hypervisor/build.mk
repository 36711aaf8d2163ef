# SPDX-License-Identifier: Apache-2.0
# The core: everything below hypervisor/ but the loader, linked statically at 0xffff82d080200000; hospes.efi carries it.

CORE_ELF      := $(OUT)/hypervisor/core.elf
CORE_OBJ      := $(OUT)/obj/core
CORE_SOURCES  := $(sort $(shell find hypervisor -path hypervisor/loader -prune -o \( -name '*.cpp' -o -name '*.S' \) -print))
CORE_OBJECTS  := $(CORE_SOURCES:%=$(CORE_OBJ)/%.o)

# Large frames are probed page by page, so that none steps over the guard page below its stack.
# Position-independent code reaches the core's high address without a code model of its own; no SSE: the registers are the guest's.
CORE_CXXFLAGS := -std=gnu++20 -O2 -g $(WARN) -I. -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics -fpie \
	-fvisibility=hidden -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fstack-clash-protection -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -Wframe-larger-than=8192 -flto -flto-partition=one --param=max-inline-insns-auto=60
CORE_LDFLAGS  := -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=4096,--fatal-warnings,--no-relax

$(CORE_OBJ)/%.cpp.o: %.cpp
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	@$(CXX) $(CORE_CXXFLAGS) -MMD -MP -c $< -o $@

$(CORE_OBJ)/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "  AS   $<"
	@$(CC) -I. -MMD -MP -c $< -o $@

# Linked twice: the table of symbols for back traces comes from the first link. It lies behind all code, which it does not move.
define link_core
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CXX) $(CORE_LDFLAGS) -T hypervisor/core.lds $(filter %.o,$^) -lgcc -o $@
endef

$(CORE_OBJ)/no_symbols.S: scripts/symbols.py
	@mkdir -p $(@D)
	@$(PYTHON) scripts/symbols.py < /dev/null > $@

$(CORE_OBJ)/core_symbols.S: $(CORE_OBJ)/unsymbolised.elf scripts/symbols.py
	@nm --demangle $< | $(PYTHON) scripts/symbols.py > $@

$(CORE_OBJ)/%symbols.o: $(CORE_OBJ)/%symbols.S
	@$(CC) -c $< -o $@

# All of the core is compiled as one unit: the ways in and out go through many files, and few calls are left of them.
$(CORE_OBJ)/whole_core.o: $(CORE_OBJECTS)
	@echo "  LTO  $@"
	@$(CXX) $(CORE_CXXFLAGS) -nostdlib -r -flinker-output=nolto-rel $^ -o $@

$(CORE_OBJ)/unsymbolised.elf: $(CORE_OBJ)/whole_core.o $(CORE_OBJ)/no_symbols.o hypervisor/core.lds
	$(link_core)

$(CORE_ELF): $(CORE_OBJ)/whole_core.o $(CORE_OBJ)/core_symbols.o hypervisor/core.lds
	$(link_core)

ALL_TARGETS += $(CORE_ELF)

-include $(CORE_OBJECTS:.o=.d)
include hypervisor/loader/loader.mk
