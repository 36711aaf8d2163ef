# SPDX-License-Identifier: Apache-2.0
"""Runs mini-guests (out/guests/*.elf) in QEMU as the initial domain of Hospes, or of Debian's Xen as the control."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "scripts"))  # for a script started by hand
