# SPDX-License-Identifier: Apache-2.0
"""Puts programs with the shared libraries they need into a root folder."""
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")
_MISSING = re.compile(r"(\S+) => not found")


def libraries_of(program: Path, library_path: str = "") -> list[Path]:
    """The shared libraries of a program, its loader included; none for a static program or a script."""
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path}
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, env=environment, check=False).stdout
    missing = _MISSING.findall(listing)
    if missing:
        raise RuntimeError(f"{program} needs {', '.join(missing)}, which is not on this machine")
    return [Path(path) for path in _LIBRARY.findall(listing)]


def install(programs: Iterable[Path], root: Path, folder: str, library_path: str = "") -> None:
    """Copies programs to root/folder and their libraries to root/lib/x86_64-linux-gnu (the loader to lib64)."""
    for program in programs:
        target = root / folder / program.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if program.is_symlink():  # one program under several names
            target.symlink_to(program.readlink())
            continue
        shutil.copy(program, target)
        if program.read_bytes()[:4] == b"\x7fELF":
            subprocess.run(["strip", "--strip-unneeded", target], check=True)
        for library in libraries_of(program, library_path):
            place = root / ("lib64" if library.name.startswith("ld-") else "lib/x86_64-linux-gnu") / library.name
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library.resolve(), place)


def install_busybox(root: Path) -> None:
    """Puts Debian's static busybox into root/bin, with a link for each of its commands."""
    busybox = Path("/bin/busybox")
    target = root / "bin"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(busybox, target / "busybox")
    for command in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if command != "busybox":
            (target / command).symlink_to("busybox")
