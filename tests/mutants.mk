# SPDX-License-Identifier: Apache-2.0
# `make mutants` puts known mistakes back into the core, one at a time, and shows which test notices each. ONLY: a regular
# expression for the names of those wanted.
ONLY ?=
.PHONY: mutants
mutants: $(OUT)/tests/hypervisor-unit $(OUT)/tests/hypervisor-property
	@$(PYTHON) scripts/mutants.py --only '$(ONLY)'
