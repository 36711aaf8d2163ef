# SPDX-License-Identifier: Apache-2.0
"""Chooses kernel modules with all that they need, and writes the index files modprobe reads."""
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .kernels import Kernel


def _name(path: str) -> str:
    return Path(path).name.split(".ko")[0].replace("-", "_")


def closure(kernel: Kernel, wanted: Iterable[str]) -> list[Path]:
    """The files (relative to the modules folder) of the wanted modules and of all they depend on.

    A module that the kernel has built in needs no file; one that the kernel does not have at all is an error."""
    needs: dict[str, list[str]] = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        module, _, others = line.partition(":")
        needs[_name(module)] = [module, *others.split()]
    built_in = {_name(line) for line in (kernel.modules / "modules.builtin").read_text().splitlines()}
    chosen: set[str] = set()
    for name in (module.replace("-", "_") for module in wanted):
        if name in needs:
            chosen.update(needs[name])
        elif name not in built_in:
            raise RuntimeError(f"kernel {kernel.version} has no module {name}")
    return [Path(path) for path in sorted(chosen)]


def install(kernel: Kernel, wanted: Iterable[str], root: Path) -> None:
    """Puts the closure of the wanted modules below root, with small index files of just these."""
    target = root / "lib/modules" / kernel.version
    for path in closure(kernel, wanted):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kernel.modules / path, target / path)
    for index in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (kernel.modules / index).exists():
            shutil.copyfile(kernel.modules / index, target / index)
    subprocess.run(["/sbin/depmod", "-b", root, kernel.version], check=True)
    # busybox's modprobe reads the text files only; the rest would be dead weight in the ramdisk.
    for leftover in [*target.glob("*.bin"), *target.glob("modules.builtin*"), target / "modules.order",
                     target / "modules.softdep", target / "modules.devname"]:
        leftover.unlink(missing_ok=True)
