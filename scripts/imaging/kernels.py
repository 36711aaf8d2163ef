# SPDX-License-Identifier: Apache-2.0
"""Debian's stock kernels: the installed one where it is the current one, else unpacked from its package."""
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .packages import dependencies, only_process, unpacked

FLAVOURS = ("amd64", "cloud", "rt")


@dataclass(frozen=True)
class Kernel:
    """One stock kernel: its image (bzImage) and the folder lib/modules/<version>."""
    version: str
    image: Path
    modules: Path


def _package_of(flavour: str) -> str:
    meta = "linux-image-amd64" if flavour == "amd64" else f"linux-image-{flavour}-amd64"
    candidates = [name for name in dependencies(meta) if name.startswith("linux-image-")]
    if not candidates:
        raise RuntimeError(f"apt knows no kernel for {meta}: run apt-get update")
    return candidates[0]


def stock_kernel(flavour: str) -> Kernel:
    """The current Debian kernel of a flavour (amd64, cloud or rt)."""
    if flavour not in FLAVOURS:
        raise ValueError(f"KERNEL={flavour}: the flavours are {', '.join(FLAVOURS)}")
    package = _package_of(flavour)
    version = package.removeprefix("linux-image-")
    installed = Kernel(version, Path(f"/boot/vmlinuz-{version}"), Path(f"/lib/modules/{version}"))
    if installed.image.exists() and (installed.modules / "modules.dep").exists():
        return installed
    root = unpacked(package)
    kernel = Kernel(version, root / f"boot/vmlinuz-{version}", root / f"lib/modules/{version}")
    with only_process():
        if not (kernel.modules / "modules.dep").exists():
            subprocess.run(["/sbin/depmod", "-b", root, version], check=True)
    return kernel
