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

# Each build.mk appends: ALL_TARGETS what `make all` builds, HOST_TESTS test programs that run on this machine.
ALL_TARGETS :=
HOST_TESTS  :=

.PHONY: all run test packages fresh-check size clean
all:

include $(wildcard */build.mk)

all: $(ALL_TARGETS)

clean:
	rm -rf $(OUT)
