# SPDX-License-Identifier: Apache-2.0
"""Where things are in the tree. Everything that is made goes below out/."""
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out"
IMAGES = OUT / "images"
PACKAGES = OUT / "packages"
DOM0_PROGRAMS = OUT / "dom0" / "bin"
MINI_GUESTS = OUT / "guests"
HOSPES_EFI = OUT / "hypervisor" / "hospes.efi"
ROOTS = Path(__file__).resolve().parent / "roots"
EXAMPLES = ROOT / "examples"
