#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make run`: builds, makes the images, boots the machine and starts the example domain.

On a terminal it then leaves you in dom0; without one it plays the whole scenario and checks every step."""
import argparse
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

from images import MachineImages, dom0_memory, make_images
from imaging.kernels import FLAVOURS
from imaging.paths import OUT, ROOT
from machine.checks import CheckFailed
from machine.qemu import Machine, MachineConfig, MachineError
from scenario import Scenario

_LOG = OUT / "run.log"
_BUILD_LOG = OUT / "build.log"
_LIMIT = 600
_MESSAGE = """
  You are in dom0, the control domain of this machine. The domain "web" is running. Try:

    hospes list              the domains
    hospes console web       its console; Ctrl-] leaves it
    wget -qO- http://web/    the page it serves, through its network card
    poweroff                 switches the machine off and ends QEMU

"""


class Progress:
    """One line a stage, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def stage(self, name: str, text: str) -> None:
        print(f"[{time.monotonic() - self._start:6.1f} s] {name:<8} {text}", flush=True)

    def detail(self, text: str) -> None:
        if text:
            print(textwrap.indent(text, " " * 20), flush=True)


def build(progress: Progress) -> None:
    """Builds everything; the compiler's lines go to out/build.log."""
    progress.stage("build", f"make all (its output: {_BUILD_LOG.relative_to(ROOT)})")
    OUT.mkdir(exist_ok=True)
    with _BUILD_LOG.open("wb") as log:
        done = subprocess.run(["make", "do-all"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        tail = "\n".join(_BUILD_LOG.read_text(errors="replace").splitlines()[-40:])
        raise MachineError("build", "make all failed", tail)
    progress.stage("build", "done")


def images(progress: Progress, arguments: argparse.Namespace) -> MachineImages:
    progress.stage("image", f"ramdisks and disks from Debian's packages; the domain's kernel is {arguments.kernel}")
    made = make_images(arguments.hypervisor, arguments.kernel, arguments.memory)
    progress.stage("image", "done")
    return made


def start_domain(scenario: Scenario, progress: Progress) -> None:
    progress.detail(scenario.daemons_run())
    progress.stage("dom0", "its daemons run")
    progress.detail(scenario.create_domain())
    progress.stage("domain", "hospes create has started the domain \"web\"")


def play(scenario: Scenario, progress: Progress) -> None:
    """The scenario without a person: every step is checked."""
    steps: list[tuple[str, Callable[[], str | None]]] = [
        ("the domain has booted; its shell answers on its console", scenario.watch_boot),
        ("its kernel booted paravirtualized on Xen and found xvda and eth0", scenario.booted_paravirtualized),
        ("a file was written on its disk", scenario.write_file),
        ("the console was left", scenario.leave_console),
        ("dom0 fetched the page it serves", scenario.fetch_page),
        ("it was shut down in order", scenario.shut_down),
        ("the file is in the disk image, with the same SHA-256", scenario.compare_file),
    ]
    for text, step in steps:
        progress.detail(step() or "")
        progress.stage("domain", text)
    scenario.power_off()
    progress.stage("end", "dom0 has switched the machine off: everything went as it should")


def converse(machine: Machine, progress: Progress) -> None:
    """Hands the terminal over to dom0's shell until the machine is off."""
    print(_MESSAGE, flush=True)
    machine.type("\n")
    machine.child.interact(escape_character=None)
    progress.stage("end", "the machine is off")


def run(arguments: argparse.Namespace, progress: Progress) -> None:
    build(progress)
    made = images(progress, arguments)
    config = MachineConfig(made.esp, made.data, arguments.memory, arguments.smp, arguments.disk, arguments.network)
    progress.stage("boot", f"QEMU: {arguments.smp} processor(s), {arguments.memory} MiB, of which dom0 has "
                           f"{dom0_memory(arguments.memory)}; serial log: {_LOG.relative_to(ROOT)}")
    with Machine(config, _LOG) as machine:
        scenario = Scenario(machine)
        scenario.boot(progress.stage, _LIMIT)
        start_domain(scenario, progress)
        if sys.stdin.isatty() and sys.stdout.isatty():
            scenario.fetch_page()  # what the message proposes is to work at once
            progress.stage("domain", "it has booted, and serves its page")
            converse(machine, progress)
        else:
            play(scenario, progress)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smp", type=int, default=1, help="processors of the machine")
    parser.add_argument("--memory", type=int, default=2048, help="MiB of the machine")
    parser.add_argument("--kernel", choices=FLAVOURS, default="amd64", help="the domain's kernel flavour")
    parser.add_argument("--hypervisor", choices=("hospes", "xen"), default="hospes", help="xen: Debian's, to compare")
    parser.add_argument("--disk", choices=("virtio", "ahci", "nvme"), default="virtio")
    parser.add_argument("--network", choices=("virtio", "e1000e"), default="virtio")
    arguments = parser.parse_args()
    progress = Progress()
    try:
        run(arguments, progress)
        return 0
    except MachineError as error:
        progress.stage("FAILED", str(error))
        print(f"---- the end of the log\n{error.tail}\n----", flush=True)
    except (CheckFailed, RuntimeError, subprocess.CalledProcessError) as error:
        progress.stage("FAILED", str(error))
    return 1


if __name__ == "__main__":
    sys.exit(main())
