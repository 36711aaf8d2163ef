# SPDX-License-Identifier: Apache-2.0
# `make fuzz` lets each target of this folder run for SECONDS. libFuzzer exists only in clang; dom0's programs need std::expected, for which
# an older one is not enough. A crash is written below out/fuzz; once understood, its input belongs into corpus/<target>, which `make test`
# plays with the compiler of everything else. `make fuzz-corpus` takes into corpus/ what the fuzzers have found worth keeping.

FUZZ_CXX     := clang++-19
SECONDS      ?= 30
FUZZ_LENGTH  := 2048
FUZZ_FLAGS   := -std=gnu++23 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. $(filter -D%,$(DOM0_CXXFLAGS)) -isystem /usr/include/libxml2 -MMD -MP

# The targets, by what they are linked with.
FUZZ_CORE    := page_tables hypercalls grants event_channels core_kernel
FUZZ_LOADER  := loader_kernel
FUZZ_RINGS   := rings
FUZZ_DOM0    := store_ring block_ring domain_xml domain_kernel
FUZZ_TARGETS := $(FUZZ_CORE) $(FUZZ_LOADER) $(FUZZ_RINGS) $(FUZZ_DOM0)

FUZZ_LOADER_PARTS := hypervisor/loader/bzimage.cpp hypervisor/loader/elf_image.cpp
FUZZ_STORE_PARTS  := $(XENSTORE_SERVER) $(XENSTORE_CLIENT) $(addprefix xenstore/,testing/memory_store.cpp transport/guest_ring.cpp \
	transport/ring_transport.cpp) dom0-tools/ports/event_channel.cpp
FUZZ_BLOCK_PARTS  := $(addprefix dom0-tools/,blkbackd/block_connection.cpp blkbackd/disk.cpp \
	ports/event_channel.cpp wire/block_request.cpp)
FUZZ_XML_PARTS    := $(addprefix dom0-tools/control/,cpu_tune.cpp dialect.cpp dialect_check.cpp domain_config.cpp domain_xml.cpp memory_size.cpp \
	spelling.cpp xml_document.cpp)
FUZZ_KERNEL_PARTS := $(addprefix dom0-tools/control/,bzimage.cpp elf_image.cpp image_cache.cpp kernel_image.cpp mapped_file.cpp unpack.cpp xen_notes.cpp)
FUZZ_DOM0_PARTS   := $(sort $(FUZZ_STORE_PARTS) $(FUZZ_BLOCK_PARTS) $(FUZZ_XML_PARTS) $(FUZZ_KERNEL_PARTS) $(DOM0_BASE))

FUZZ_LIB     := $(OUT)/obj/fuzz/core.a
fuzz_objects  = $(patsubst %.cpp,$(OUT)/obj/fuzz/%.o,$(1))
fuzz_programs = $(1:%=$(OUT)/tests/fuzz/%)

$(OUT)/obj/fuzz/%.o: %.cpp
	@command -v $(FUZZ_CXX) >/dev/null || { echo "make fuzz: there is no $(FUZZ_CXX); only clang has libFuzzer: apt-get install clang-19 libclang-rt-19-dev" >&2; exit 1; }
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) -c $< -o $@

$(FUZZ_LIB): $(call fuzz_objects,$(HV_TEST_CORE))
	@rm -f $@
	ar rcs $@ $^

$(call fuzz_programs,$(FUZZ_CORE)): $(call fuzz_objects,$(HV_TEST_SUPPORT)) $(FUZZ_LIB)
$(call fuzz_programs,$(FUZZ_CORE)): FUZZ_LINK := $(HV_TEST_LINK)
$(call fuzz_programs,$(FUZZ_LOADER)): $(call fuzz_objects,$(FUZZ_LOADER_PARTS))
$(call fuzz_programs,$(FUZZ_RINGS)): $(call fuzz_objects,$(wildcard dom0-tools/wire/*.cpp))
$(call fuzz_programs,store_ring): $(call fuzz_objects,$(FUZZ_STORE_PARTS) $(DOM0_BASE))
$(call fuzz_programs,block_ring): $(call fuzz_objects,$(FUZZ_BLOCK_PARTS) $(DOM0_BASE))
$(call fuzz_programs,domain_xml): $(call fuzz_objects,$(FUZZ_XML_PARTS) $(DOM0_BASE))
$(call fuzz_programs,domain_kernel): $(call fuzz_objects,$(FUZZ_KERNEL_PARTS) $(DOM0_BASE))
$(call fuzz_programs,$(FUZZ_DOM0)): FUZZ_LINK := $(CONTROL_LIBS) $(DOM0_LIBS)

$(call fuzz_programs,$(FUZZ_TARGETS)): $(OUT)/tests/fuzz/%: $(OUT)/obj/fuzz/tests/fuzz/%_fuzz.o
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) $^ -o $@ $(FUZZ_LINK)

.PHONY: fuzz fuzz-corpus $(FUZZ_TARGETS:%=fuzz-%) $(FUZZ_TARGETS:%=fuzz-corpus-%)
fuzz: $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_DOM0:%=fuzz-%): FUZZ_LENGTH := 4096  # a boot file begins with 2 KiB for the BIOS
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(OUT)/tests/fuzz/%
	@mkdir -p $(OUT)/fuzz/$*/corpus
	$< -max_total_time=$(SECONDS) -max_len=$(FUZZ_LENGTH) -len_control=20 -print_final_stats=1 -artifact_prefix=$(OUT)/fuzz/$*/ \
		$(OUT)/fuzz/$*/corpus $(wildcard tests/fuzz/corpus/$*)

fuzz-corpus: $(FUZZ_TARGETS:%=fuzz-corpus-%)
$(FUZZ_TARGETS:%=fuzz-corpus-%): fuzz-corpus-%: $(OUT)/tests/fuzz/%
	@mkdir -p tests/fuzz/corpus/$* $(OUT)/fuzz/$*/corpus
	$< -merge=1 -max_len=$(FUZZ_LENGTH) tests/fuzz/corpus/$* $(OUT)/fuzz/$*/corpus

-include $(patsubst %.o,%.d,$(call fuzz_objects,$(HV_TEST_CORE) $(HV_TEST_SUPPORT) \
	$(FUZZ_LOADER_PARTS) $(FUZZ_DOM0_PARTS) $(wildcard dom0-tools/wire/*.cpp) $(FUZZ_TARGETS:%=tests/fuzz/%_fuzz.cpp)))

# The corpora, without libFuzzer.
CORPUS_OBJ     := $(OUT)/obj/corpus
corpus_objects  = $(1:%=$(CORPUS_OBJ)/%_fuzz.o)

HOST_TESTS += $(OUT)/tests/core-corpus

$(CORPUS_OBJ)/%_fuzz.o: tests/fuzz/%_fuzz.cpp
	@mkdir -p $(@D)
	$(CXX) $(HV_TEST_FLAGS) -DLLVMFuzzerTestOneInput=play_$* -c $< -o $@

corpus_list = -D'TARGETS=${1:%=TARGET(%)}'
$(CORPUS_OBJ)/core.o: tests/fuzz/replay_test.cpp
	@mkdir -p $(@D)
	$(CXX) $(HV_TEST_FLAGS) $(call corpus_list,$(FUZZ_CORE) $(FUZZ_LOADER)) -c $< -o $@

$(OUT)/tests/core-corpus: $(CORPUS_OBJ)/core.o $(call corpus_objects,$(FUZZ_CORE) $(FUZZ_LOADER)) $(FUZZ_LOADER_PARTS:%.cpp=$(OUT)/obj/loader-test/%.o) \
	$(HV_TEST_COMMON) $(HV_TEST_LIB)
	@mkdir -p $(@D)
	$(CXX) $(HV_TEST_FLAGS) $(HV_TEST_LINK) $^ -o $@

-include $(CORPUS_OBJ)/core.d $(patsubst %.o,%.d,$(call corpus_objects,$(FUZZ_CORE) $(FUZZ_LOADER)))

$(OUT)/obj/dom0-test/tests/fuzz/%_fuzz.o: DOM0_CXXFLAGS += -DLLVMFuzzerTestOneInput=play_$(patsubst %_fuzz,%,$(*F))
$(OUT)/obj/dom0-test/tests/fuzz/replay_test.o: DOM0_CXXFLAGS += $(call corpus_list,$(FUZZ_DOM0))
$(call dom0_test,dom0-corpus,tests/fuzz/replay_test.cpp $(FUZZ_DOM0:%=tests/fuzz/%_fuzz.cpp) $(FUZZ_DOM0_PARTS),$(CONTROL_LIBS))
