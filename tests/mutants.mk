# SPDX-License-Identifier: Apache-2.0
# `make mutants` puts known mistakes back into the core, one at a time, and shows which test notices each. ONLY: a regular
# expression for the names of those wanted; MUTANT_JOBS: how many at a time.
ONLY        ?=
MUTANT_JOBS ?= $(shell nproc)
.PHONY: mutants
mutants: $(addprefix $(OUT)/tests/,hypervisor-unit memory-orders hypervisor-property)
	@$(PYTHON) scripts/mutants.py --only '$(ONLY)' --jobs $(MUTANT_JOBS)
