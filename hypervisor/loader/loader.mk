# SPDX-License-Identifier: Apache-2.0
# The UEFI application: out/hypervisor/hospes.efi, with the core inside. Included by hypervisor/build.mk.

LOADER_DIR  := hypervisor/loader
LOADER_OUT  := $(OUT)/obj/loader
HOSPES_EFI  := $(OUT)/hypervisor/hospes.efi
# The core to carry; another one can be named to try the loader by itself.
LOADER_CORE ?= $(OUT)/hypervisor/core.elf

LOADER_SOURCES := $(wildcard $(LOADER_DIR)/*.cpp)
LOADER_OBJECTS := $(LOADER_SOURCES:$(LOADER_DIR)/%.cpp=$(LOADER_OUT)/%.o) $(LOADER_OUT)/jump.o $(LOADER_OUT)/core_blob.o \
	$(LOADER_OUT)/lzma_sdk.o

# UEFI's wide characters have 16 bits; its interrupt handlers use our stack, so no red zone; the image is relocated.
LOADER_CXXFLAGS := -std=c++20 -O2 -g $(WARN) -fPIC -fshort-wchar -mno-red-zone -fno-exceptions -fno-rtti \
	-fno-stack-protector -fno-threadsafe-statics -fvisibility=hidden -fno-asynchronous-unwind-tables -fcf-protection=none \
	-isystem /usr/include/efi -isystem /usr/include/efi/x86_64 -I.
# Not to be turned into calls of the functions they implement.
$(LOADER_OUT)/memory_functions.o: LOADER_CXXFLAGS += -O3 -fno-builtin -fno-tree-loop-distribute-patterns -fno-tree-vectorize

# The LZMA SDK's decoder, which lzma-dev ships as source.
LOADER_LZMA_SDK := /usr/include/lzma/LzmaDec.c

# Debian's own builds of the other decoders.
LOADER_LIBRARIES := -l:liblzma.a -l:libzstd.a -l:liblz4.a -l:libz.a

LOADER_SECTIONS := -j .text -j .data -j .dynamic -j .dynsym -j .rela -j .reloc -j .rodata

$(LOADER_OUT)/%.o: $(LOADER_DIR)/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(LOADER_CXXFLAGS) -MMD -MP -c $< -o $@

$(LOADER_OUT)/lzma_sdk.o: $(LOADER_LZMA_SDK)
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -fPIC -mno-red-zone -fno-stack-protector -fcf-protection=none -fvisibility=hidden \
		-ffunction-sections -fno-asynchronous-unwind-tables -c $< -o $@

$(LOADER_OUT)/jump.o: $(LOADER_DIR)/jump.S
	@mkdir -p $(@D)
	$(CC) -c $< -o $@

# What the debugger reads stays behind: the firmware would load eight times as much.
$(LOADER_OUT)/core_stripped.elf: $(LOADER_CORE)
	@mkdir -p $(@D)
	objcopy --strip-all $< $@

$(LOADER_OUT)/core_blob.o: $(LOADER_DIR)/core_blob.S $(LOADER_OUT)/core_stripped.elf
	@mkdir -p $(@D)
	$(CC) -DCORE_ELF='"$(LOADER_OUT)/core_stripped.elf"' -c $< -o $@

$(LOADER_OUT)/hospes.so: $(LOADER_OBJECTS) $(LOADER_DIR)/hospes_efi.lds $(LOADER_DIR)/loader.mk
	$(CXX) -nostdlib -shared -Wl,-Bsymbolic,-znocombreloc,-znorelro,-znoexecstack,--build-id=none,--no-undefined,-znodynamic-undefined-weak \
		-T $(LOADER_DIR)/hospes_efi.lds /usr/lib/crt0-efi-x86_64.o $(LOADER_OBJECTS) $(LOADER_LIBRARIES) -l:libgnuefi.a -o $@

$(HOSPES_EFI): $(LOADER_OUT)/hospes.so
	@mkdir -p $(@D)
	objcopy $(LOADER_SECTIONS) --target=efi-app-x86_64 --subsystem=10 $< $@

ALL_TARGETS += $(HOSPES_EFI)

-include $(LOADER_SOURCES:$(LOADER_DIR)/%.cpp=$(LOADER_OUT)/%.d)

# Its tests on this machine: everything that calls no firmware, with sanitizers.
LOADER_TEST_OUT     := $(OUT)/obj/loader-test
LOADER_TESTED       := $(addprefix $(LOADER_DIR)/,bzimage.cpp config.cpp core_layout.cpp decoders.cpp elf_image.cpp lzma2.cpp \
	memory_map.cpp page_tables.cpp x86_bcj.cpp xz_decoder.cpp)
LOADER_TEST_OBJECTS := $(patsubst %.cpp,$(LOADER_TEST_OUT)/%.o,$(LOADER_TESTED) $(wildcard tests/unit/loader/*.cpp) \
	tests/support/main.cpp) $(LOADER_TEST_OUT)/lzma_sdk.o
LOADER_SANITIZE     := -fsanitize=address,undefined -fno-sanitize-recover=all
LOADER_TEST_FLAGS   := -std=c++20 -O1 -g $(LOADER_SANITIZE) $(WARN) -I. -MMD -MP
HOST_TESTS          += $(OUT)/tests/loader

# Catch2's own code is slow to compile and not what is tested.
$(LOADER_TEST_OUT)/tests/support/main.o: LOADER_TEST_FLAGS := -std=c++20 -O0 -MMD -MP

$(LOADER_TEST_OUT)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(LOADER_TEST_FLAGS) -c $< -o $@

$(LOADER_TEST_OUT)/lzma_sdk.o: $(LOADER_LZMA_SDK)
	@mkdir -p $(@D)
	$(CC) -std=c11 -O1 -g -fsanitize=address -c $< -o $@

$(OUT)/tests/loader: $(LOADER_TEST_OBJECTS)
	@mkdir -p $(@D)
	$(CXX) $(LOADER_SANITIZE) $^ $(LOADER_LIBRARIES) -o $@

-include $(LOADER_TEST_OBJECTS:.o=.d)
