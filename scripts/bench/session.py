# SPDX-License-Identifier: Apache-2.0
"""One run of the bench: how often things are repeated, what is under way, and machines to measure on."""
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from imaging.paths import OUT
from machine.qemu import Machine, MachineConfig, MachineError

from .rows import SYSTEMS

FOLDER = OUT / "bench"
_T = TypeVar("_T")


class BenchError(Exception):
    """A measurement that could not be made: on which system, in which step, why, and the end of the serial log."""

    def __init__(self, system: str, step: str, reason: str, tail: str = "") -> None:
        super().__init__(f"on {system}, step “{step}”: {reason}")
        self.tail = tail


@dataclass
class Session:
    """quick: fewer repetitions. Every start of a step is told on stderr with the seconds since the run began."""
    quick: bool
    group: str = ""
    _began: float = field(default_factory=time.monotonic)

    def repetitions(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:7.1f} s] {self.group:<10} {text}", file=sys.stderr, flush=True)

    def alternate(self, full: int, quick: int, what: str = "") -> Iterator[str]:
        """The systems in turn, A B A B …: noise that comes and goes on the host then hits both."""
        count = self.repetitions(full, quick)
        for number in range(count):
            for system in SYSTEMS:
                self.say(f"{system:<7}{f'{what} ' if what else ''}{number + 1}/{count}")
                yield system

    def once_more(self, body: Callable[[], _T]) -> _T:
        """What body returns; a failure is told and body tried a second time: one crash in an hour of machines is not to
        lose the rest (with a domain running, programs in dom0 of Debian's Xen crash now and then under QEMU)."""
        try:
            return body()
        except BenchError as error:
            self.say(f"FAILED {error}; once more")
            return body()

    @contextmanager
    def machine(self, system: str, config: MachineConfig, name: str = "") -> Iterator[Machine]:
        """A running machine; what goes wrong in it is told as the system's and the step's."""
        log: Path = FOLDER / f"{self.group}{f'-{name}' if name else ''}-{system}.log"
        try:
            with Machine(config, log) as machine:
                yield machine
        except MachineError as error:
            raise BenchError(system, error.step, str(error), error.tail) from error
