#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make fresh-check`: the README's commands in a minimal Debian 12 that has nothing but git and make.

The root folder is made with mmdebstrap below out/fresh; the project is cloned into it, as it was last committed."""
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from imaging.paths import OUT, ROOT

_FRESH = OUT / "fresh"
_MIRROR = "deb http://deb.debian.org/debian"
_SOURCES = "\n".join((f"{_MIRROR} bookworm main", f"{_MIRROR} bookworm-updates main",
                      "deb http://deb.debian.org/debian-security bookworm-security main", ""))
# The mounts are in a namespace of their own: they are gone when the command ends.
_ENTER = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb sh -c "cd /root/hospes && $2 </dev/null"
"""


def commands_of_readme() -> list[str]:
    """The lines of the README's first indented block that begin with make."""
    block = re.search(r"\n\n((?:    .*\n)+)", (ROOT / "README.md").read_text())
    lines = [line.split("#")[0].strip() for line in block.group(1).splitlines()] if block else []
    return [line for line in lines if line.startswith("make ")]


def make_root(privilege: list[str], root: Path) -> None:
    """A minimal Debian 12 with git and make, and a clone of the project."""
    subprocess.run([*privilege, "mmdebstrap", "--quiet", "--variant=minbase", "--include=git,make,ca-certificates",
                    "bookworm", root, "-"], input=_SOURCES, text=True, check=True)
    clone = _FRESH / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True)
    subprocess.run([*privilege, "cp", "-r", "--no-preserve=ownership", clone, root / "root/hospes"], check=True)


def run_in(privilege: list[str], root: Path, command: str) -> int:
    """Runs a shell line in the clone; returns its exit status."""
    return subprocess.run([*privilege, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER,
                           "fresh-check", root, command], check=False).returncode


def main() -> int:
    privilege = [] if os.geteuid() == 0 else ["sudo"]
    commands = sys.argv[1:] or commands_of_readme()
    if not commands:
        print("fresh-check: README.md names no command", file=sys.stderr)
        return 1
    root = _FRESH / "root"
    _FRESH.mkdir(parents=True, exist_ok=True)
    subprocess.run([*privilege, "rm", "-rf", "--one-file-system", root], check=True)
    print(f"fresh-check: a minimal Debian 12 in {root}", flush=True)
    make_root(privilege, root)
    for command in commands:
        start = time.monotonic()
        print(f"fresh-check: $ {command}", flush=True)
        status = run_in(privilege, root, command)
        print(f"fresh-check: `{command}` ended with status {status} after {time.monotonic() - start:.0f} s", flush=True)
        if status != 0:
            return 1
    subprocess.run([*privilege, "rm", "-rf", "--one-file-system", root], check=True)
    print("fresh-check: the README's commands work on a fresh machine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
