# SPDX-License-Identifier: Apache-2.0
# The whole build at a glance. Every top-level folder says in its build.mk what it makes; all output goes to out/.

OUT      := out
CXX      := g++
CC       := gcc
PYTHON   := python3
WARN     := -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Wcast-qual -Werror

# Command-line choices of `make run` (README.md).
SMP      ?= 1
MEM      ?= 2048
KERNEL   ?= amd64

GOALS    := all run test bench fresh-check size coverage
.PHONY: $(GOALS) packages images clean $(GOALS:%=do-%)

ifeq ($(filter-out $(GOALS) packages clean,$(or $(MAKECMDGOALS),all)),)

# First pass: the packages, before anything asks a compiler or pkg-config. The second pass does the work.
all:
$(GOALS): packages
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) do-$@

packages:
	@sh scripts/packages.sh

clean:
	rm -rf $(OUT)

else

# Each build.mk appends: ALL_TARGETS what is built, HOST_TESTS test programs that run on this machine.
ALL_TARGETS :=
HOST_TESTS  :=

include $(wildcard */build.mk)

do-all: $(ALL_TARGETS)

images: do-all
	$(PYTHON) scripts/images.py

do-run:
	@$(PYTHON) scripts/run.py --smp $(SMP) --memory $(MEM) --kernel $(KERNEL)

do-test: $(ALL_TARGETS) $(HOST_TESTS)
	@$(PYTHON) scripts/test.py $(HOST_TESTS)

do-bench: $(ALL_TARGETS) $(BENCH_PROGRAMS) $(OUT)/tests/scheduler-sim-table
	@PYTHONPATH=scripts $(PYTHON) -m bench --only '$(ONLY)' $(if $(QUICK),--quick)

do-fresh-check:
	@$(PYTHON) scripts/fresh_check.py

do-size:
	@$(PYTHON) scripts/size.py

endif
