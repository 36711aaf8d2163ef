# SPDX-License-Identifier: Apache-2.0
"""dom0 of either system with its own tool stack at work: `hospes` with our daemons, `xl` with Debian's."""
import re
from collections.abc import Iterator
from contextlib import contextmanager

from machine.qemu import Machine
from machine.shell import Shell
from scenario import Scenario

from .domains import BENCH, Domain
from .images import machine_config
from .rows import OURS
from .session import Session

_BOOT_LIMIT = 900
_LIMIT = 600
_FIGURE = re.compile(r"^FIGURE (\S+) (\S+)$", re.M)


def figures(text: str) -> dict[str, float]:
    """What a measuring program printed (programs/common.hpp), by name."""
    return {name: float(value) for name, value in _FIGURE.findall(text)}


class Dom0:
    """A shell in dom0, and the words of its tool stack."""

    def __init__(self, machine: Machine, system: str) -> None:
        self.machine, self.system = machine, system
        self.shell = Shell(machine, "dom0 # ")

    def check(self, command: str, step: str = "", limit: float = _LIMIT) -> str:
        return self.shell.check(command, step, limit)

    def measure(self, command: str, step: str = "", limit: float = _LIMIT) -> dict[str, float]:
        """The figures that a command prints."""
        return figures(self.check(command, step, limit))

    def create_command(self, name: str) -> str:
        return f"hospes create {BENCH}/{name}.xml" if self.system == OURS else f"xl create {BENCH}/{name}.cfg"

    def destroy_command(self, name: str) -> str:
        return f"hospes destroy {name}" if self.system == OURS else f"xl destroy {name}"

    def console_log(self, name: str) -> str:
        return f"/var/log/hospes/console/{name}.log" if self.system == OURS else f"/var/log/xen/console/guest-{name}.log"

    def create(self, name: str) -> None:
        self.check(f"{self.create_command(name)} >/dev/null 2>/tmp/create.log || {{ cat /tmp/create.log; false; }}", f"create {name}")

    def destroy(self, name: str) -> None:
        self.check(self.destroy_command(name), f"destroy {name}")

    def wait_until_serving(self) -> None:
        """Until the tool stack's daemons answer."""
        if self.system == OURS:
            self.check("wait-for-daemons", "the daemons start")
        else:
            self.check("n=0; until [ -e /run/bench-ready ] || [ $n -ge 200 ]; do usleep 500000; n=$((n+1)); done; [ -e /run/bench-ready ]",
                       "Debian's daemons start")

    def mount_descriptions(self) -> None:
        self.check(f"mount -o ro /dev/vdc {BENCH}", "the bench's disk")


@contextmanager
def dom0_of(session: Session, system: str, domains: list[Domain], *, memory: int = 2048, daemons: bool = True,
            words: str = "", name: str = "", extra: tuple[str, ...] = ()) -> Iterator[Dom0]:
    """A booted machine whose daemons serve, if it is to have any. words: for dom0's kernel; extra: for QEMU."""
    config = machine_config(system, domains, memory=memory, daemons=daemons, words=words)
    config.extra.extend(extra)
    with session.machine(system, config, name) as machine:
        Scenario(machine).boot(lambda stage, text: None, _BOOT_LIMIT)
        dom0 = Dom0(machine, system)
        if daemons:
            dom0.wait_until_serving()
            dom0.mount_descriptions()
        yield dom0
