#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs what of scripts/packages.txt is missing, with apt-get (through sudo where needed). Quiet when nothing is."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

_LIST = Path(__file__).resolve().parent / "packages.txt"


def wanted() -> list[str]:
    """The packages that the list names."""
    lines = (line.partition("#")[0].strip() for line in _LIST.read_text().splitlines())
    return [line for line in lines if line]


def missing(packages: list[str]) -> list[str]:
    """Those of the packages that are not installed."""
    listing = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                             capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def main() -> int:
    packages = missing(wanted())
    if not packages:
        return 0
    privilege = [] if os.geteuid() == 0 else ["sudo"]
    if privilege and not shutil.which("sudo"):
        print(f"packages: run as root, or install these yourself: {' '.join(packages)}", file=sys.stderr)
        return 1
    print(f"packages: installing {' '.join(packages)}", flush=True)
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    options = ["-q", "-y", "--no-install-recommends"]
    for command in (["apt-get", "-q", "update"], ["apt-get", *options, "install", *packages]):
        status = subprocess.run([*privilege, *environment, *command], stdin=subprocess.DEVNULL, check=False).returncode
        if status != 0:
            print(f"packages: `{' '.join(command[:4])} ...` ended with status {status}; see its message above. "
                  "Nothing was built.", file=sys.stderr)
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
