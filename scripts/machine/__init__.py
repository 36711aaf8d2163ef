# SPDX-License-Identifier: Apache-2.0
"""A machine in QEMU, and the conversation with its serial console."""
