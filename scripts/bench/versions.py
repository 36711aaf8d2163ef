# SPDX-License-Identifier: Apache-2.0
"""What was measured with: our commit, Debian's Xen, kernel, QEMU, compiler and host."""
import os
import subprocess
from pathlib import Path

from imaging.kernels import stock_kernel
from imaging.paths import IMAGES, ROOT
from machine.qemu import MachineConfig, command_line


def _first_line(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0].strip() if done.stdout.strip() else "unknown"


def _candidate(package: str) -> str:
    policy = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False).stdout
    lines = [line.split(":", 1)[1].strip() for line in policy.splitlines() if line.strip().startswith("Candidate:")]
    return lines[0] if lines else "unknown"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def versions() -> dict[str, str]:
    """Name -> version, in the order they are shown."""
    changed = "" if _first_line("git", "status", "--porcelain", "-uno", "--", ".", ":!docs/benchmarks.*") == "unknown" else ", with changes"
    return {"Hospes": _first_line("git", "log", "-1", "--format=%h of %cs") + changed,
            "Xen": _candidate("xen-hypervisor-4.17-amd64"),
            "dom0's and the domains' kernel": stock_kernel("amd64").version,
            "QEMU": _first_line("qemu-system-x86_64", "--version"),
            "compiler": _first_line("g++", "--version"),
            "host": f"{os.cpu_count()} processors, {_processor()}"}


def flags() -> str:
    """QEMU's command line of a measurement, without the files' folders."""
    config = MachineConfig(IMAGES / "esp.img", IMAGES / "data.img", 2048, 1)
    return " ".join(word.replace(f"{IMAGES}/", "") for word in command_line(config, Path("vars.fd")))
