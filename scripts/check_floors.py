#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that a file includes its own floor and those below only, never above. One table says what is below what."""
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Folder -> what its files may include besides their own folder. The longest folder that fits a file counts.
FLOORS: dict[str, tuple[str, ...]] = {
    "hypervisor/base": (),
    "hypervisor/abi": ("hypervisor/base",),
    "hypervisor/x86": ("hypervisor/abi", "hypervisor/base"),
    "hypervisor/ports": ("hypervisor/abi", "hypervisor/base", "hypervisor/x86"),
    "hypervisor/core": ("hypervisor/abi", "hypervisor/base", "hypervisor/x86", "hypervisor/ports"),
    "hypervisor/hypercall": ("hypervisor/abi", "hypervisor/base", "hypervisor/x86", "hypervisor/ports",
                             "hypervisor/core"),
    "hypervisor/machine": ("hypervisor/abi", "hypervisor/base", "hypervisor/x86", "hypervisor/ports",
                           "hypervisor/core", "hypervisor/hypercall"),
    "hypervisor/boot": ("hypervisor",),
    "hypervisor/loader": ("hypervisor/abi", "hypervisor/base"),
    # dom0's programs share the hypervisor's numbers (Mfn, DomId ...) and results, and nothing else of it.
    "dom0-tools/base": ("hypervisor/base",),
    "dom0-tools/ports": ("hypervisor/base", "hypervisor/abi", "dom0-tools/base"),
    "dom0-tools/wire": ("hypervisor/base", "hypervisor/abi", "dom0-tools/base"),
    "xenstore": ("hypervisor/base", "hypervisor/abi", "dom0-tools/base", "dom0-tools/ports"),
    "dom0-tools/control": ("hypervisor/base", "hypervisor/abi", "dom0-tools/base", "dom0-tools/ports",
                           "dom0-tools/wire", "xenstore/client", "xenstore/wire"),
    "dom0-tools/backend": ("hypervisor/base", "hypervisor/abi", "dom0-tools/base", "dom0-tools/ports",
                           "dom0-tools/wire", "xenstore/client", "xenstore/wire"),
    "dom0-tools": ("hypervisor/base", "hypervisor/abi", "dom0-tools/base", "dom0-tools/ports", "dom0-tools/wire",
                   "dom0-tools/control", "dom0-tools/backend", "xenstore/client", "xenstore/wire"),
    "guest-shims/rt": (),
    "guest-shims/xenbus": ("guest-shims/rt",),
    "guest-shims/front": ("guest-shims/rt", "guest-shims/xenbus"),
    "guest-shims/guests": ("guest-shims/rt", "guest-shims/xenbus", "guest-shims/front"),
}
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
_SUFFIXES = (".hpp", ".cpp", ".h", ".S")


@dataclass(frozen=True)
class Include:
    """One #include line; target is the path from the tree's root."""
    file: Path
    line: int
    target: Path


def includes_of(path: Path) -> list[Include]:
    """The quoted includes of a file: from its own folder where such a file is, else from the tree's root or a
    top-level folder."""
    found = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = _INCLUDE.match(line)
        if not match:
            continue
        top = ROOT / path.relative_to(ROOT).parts[0]
        places = [place / match.group(1) for place in (path.parent, ROOT, top)]
        target = next((place for place in places if place.exists()), None)
        if target:  # else it is a system's header, or the compiler complains
            found.append(Include(path.relative_to(ROOT), number, target.resolve().relative_to(ROOT)))
    return found


def floor_of(path: Path) -> str | None:
    """The longest folder of the table that holds the file."""
    folders = [str(parent) for parent in path.parents]
    return next((folder for folder in folders if folder in FLOORS), None)


def own_folder(path: Path, floor: str) -> str:
    """The folder that a file's own floor is: each of dom0-tools' programs is one by itself."""
    return "/".join(path.parts[:2]) if floor == "dom0-tools" else floor


def is_allowed(include: Include) -> bool:
    floor = floor_of(include.file)
    if floor is None:
        return True
    target = str(include.target)
    return any(target.startswith(f"{folder}/") for folder in (own_folder(include.file, floor), *FLOORS[floor]))


def sources() -> list[Path]:
    tops = sorted({folder.split("/")[0] for folder in FLOORS})
    return sorted(path for top in tops for path in (ROOT / top).rglob("*") if path.suffix in _SUFFIXES)


def main() -> int:
    wrong = [include for path in sources() for include in includes_of(path) if not is_allowed(include)]
    for include in wrong:
        print(f"{include.file}:{include.line}: includes {include.target}, which is not below "
              f"{floor_of(include.file)}. See FLOORS in scripts/check_floors.py.")
    print(f"{'not ok' if wrong else 'ok'} every file includes its own floor and those below only")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
