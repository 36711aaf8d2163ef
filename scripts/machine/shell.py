# SPDX-License-Identifier: Apache-2.0
"""Runs commands on a shell that is at the other end of a console, and tells output and exit status apart."""
import re
from dataclasses import dataclass

from .qemu import DEFAULT_LIMIT, Machine, MachineError

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Answer:
    """What a command printed, and how it ended."""
    output: str
    status: int


class Shell:
    """A shell whose prompt is known ("dom0 # ", "web # ")."""

    def __init__(self, machine: Machine, prompt: str) -> None:
        self._machine = machine
        self._prompt = prompt
        self._count = 0

    def wait_for_prompt(self, step: str, limit: float = DEFAULT_LIMIT) -> None:
        self._machine.expect(re.escape(self._prompt), step, limit)

    def run(self, command: str, limit: float = DEFAULT_LIMIT) -> Answer:
        """Runs one line of shell. Marks that the echo of the typed line does not hold enclose the output."""
        self._count += 1
        mark = f"{self._count:03d}"
        self._machine.type(f'echo "<{mark}"">"; {command}; echo "<{mark}"":$?>"\n')
        self._machine.expect(f"<{mark}>\r*\n", command, limit)
        self._machine.expect(f"<{mark}:(\\d+)>", command, limit)
        status = int(self._machine.child.match.group(1))
        output = _ESCAPES.sub("", self._machine.text_before())
        self.wait_for_prompt(command, limit)
        return Answer(output.rstrip("\n"), status)

    def check(self, command: str, step: str = "", limit: float = DEFAULT_LIMIT) -> str:
        """Runs a command that must succeed; returns its output."""
        answer = self.run(command, limit)
        if answer.status != 0:
            raise MachineError(step or command, f"`{command}` ended with status {answer.status}: {answer.output}",
                               self._machine.tail())
        return answer.output
