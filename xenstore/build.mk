# SPDX-License-Identifier: Apache-2.0
# xenstored, its client library and the small tools.

include xenstore/sources.mk

$(call dom0_test,xenstore_test,$(sort $(shell find tests/unit/xenstore -name '*.cpp')) $(XENSTORE_CLIENT) $(DOM0_BASE))
