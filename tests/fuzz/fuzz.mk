# SPDX-License-Identifier: Apache-2.0
# `make fuzz` lets each target of this folder run for SECONDS. libFuzzer exists only in clang. A crash is written below out/fuzz; once
# understood, its input belongs into corpus/<target>, which `make test` plays with the compiler of everything else. `make fuzz-corpus`
# takes into corpus/ what the fuzzers have found worth keeping.

FUZZ_CXX     := clang++
SECONDS      ?= 30
FUZZ_LENGTH  := 2048
FUZZ_FLAGS   := -std=gnu++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. -MMD -MP

# The targets, by what they are linked with.
FUZZ_CORE    := page_tables hypercalls grants event_channels core_kernel
FUZZ_LOADER  := loader_kernel
FUZZ_RINGS   := rings
FUZZ_TARGETS := $(FUZZ_CORE) $(FUZZ_LOADER) $(FUZZ_RINGS)

FUZZ_LOADER_PARTS := hypervisor/loader/bzimage.cpp hypervisor/loader/elf_image.cpp

FUZZ_LIB     := $(OUT)/obj/fuzz/core.a
fuzz_objects  = $(patsubst %.cpp,$(OUT)/obj/fuzz/%.o,$(1))
fuzz_programs = $(1:%=$(OUT)/tests/fuzz/%)

$(OUT)/obj/fuzz/%.o: %.cpp
	@command -v $(FUZZ_CXX) >/dev/null || { echo "make fuzz: there is no $(FUZZ_CXX); only clang has libFuzzer: apt-get install clang" >&2; exit 1; }
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) -c $< -o $@

$(FUZZ_LIB): $(call fuzz_objects,$(HV_TEST_CORE))
	@rm -f $@
	ar rcs $@ $^

$(call fuzz_programs,$(FUZZ_CORE)): $(call fuzz_objects,$(HV_TEST_SUPPORT)) $(FUZZ_LIB)
$(call fuzz_programs,$(FUZZ_CORE)): FUZZ_LINK := $(HV_TEST_LINK)
$(call fuzz_programs,$(FUZZ_LOADER)): $(call fuzz_objects,$(FUZZ_LOADER_PARTS))
$(call fuzz_programs,$(FUZZ_RINGS)): $(call fuzz_objects,$(wildcard dom0-tools/wire/*.cpp))

$(call fuzz_programs,$(FUZZ_TARGETS)): $(OUT)/tests/fuzz/%: $(OUT)/obj/fuzz/tests/fuzz/%_fuzz.o
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) $^ -o $@ $(FUZZ_LINK)

.PHONY: fuzz fuzz-corpus $(FUZZ_TARGETS:%=fuzz-%) $(FUZZ_TARGETS:%=fuzz-corpus-%)
fuzz: $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(OUT)/tests/fuzz/%
	@mkdir -p $(OUT)/fuzz/$*/corpus
	$< -max_total_time=$(SECONDS) -max_len=$(FUZZ_LENGTH) -len_control=20 -print_final_stats=1 -artifact_prefix=$(OUT)/fuzz/$*/ \
		$(OUT)/fuzz/$*/corpus $(wildcard tests/fuzz/corpus/$*)

fuzz-corpus: $(FUZZ_TARGETS:%=fuzz-corpus-%)
$(FUZZ_TARGETS:%=fuzz-corpus-%): fuzz-corpus-%: $(OUT)/tests/fuzz/%
	@mkdir -p tests/fuzz/corpus/$* $(OUT)/fuzz/$*/corpus
	$< -merge=1 -max_len=$(FUZZ_LENGTH) tests/fuzz/corpus/$* $(OUT)/fuzz/$*/corpus

-include $(patsubst %.o,%.d,$(call fuzz_objects,$(HV_TEST_CORE) $(HV_TEST_SUPPORT) \
	$(FUZZ_LOADER_PARTS) $(wildcard dom0-tools/wire/*.cpp) $(FUZZ_TARGETS:%=tests/fuzz/%_fuzz.cpp)))

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
