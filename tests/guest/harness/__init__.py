# SPDX-License-Identifier: Apache-2.0
"""Runs mini-guests (out/guests/*.elf) in QEMU as the initial domain of Hospes, or of Debian's Xen as the control."""
