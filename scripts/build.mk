# SPDX-License-Identifier: Apache-2.0
# The measuring programs of `make bench`: static, so that one binary runs in dom0 and in a domain.

BENCH_SOURCES  := $(wildcard scripts/bench/programs/*.cpp)
BENCH_PROGRAMS := $(patsubst scripts/bench/programs/%.cpp,$(OUT)/bench/programs/%,$(BENCH_SOURCES))

$(OUT)/bench/programs/%: scripts/bench/programs/%.cpp scripts/bench/programs/common.hpp
	@mkdir -p $(@D)
	$(CXX) -std=gnu++20 -O2 -static $(WARN) $< -o $@
