# SPDX-License-Identifier: Apache-2.0
"""Group "start": from power-on to the core's first line, the first line of dom0's kernel, and dom0's init."""
import time

from images import make_images
from machine.qemu import MachineConfig

from .processor_time import processor_seconds
from .rows import OURS, SYSTEMS, XEN, Row, Target, at_most
from .session import Session

GROUP = "start"
_MEMORY = 2048
_LIMIT = 600
_STAGES = ("core's first line", "dom0's first line", "dom0's init")
# The first line that the core itself writes; the loaders' lines come before it.
_FIRST_LINE = {OURS: r"\(hospes\) ", XEN: r"\(XEN\) "}
_TARGETS = {1: at_most(0.6), 2: at_most(0.3)}

Stages = list[tuple[float, float]]  # of each stage: seconds since power-on, and QEMU's processor time


def _boot(session: Session, system: str, processors: int) -> Stages:
    images = make_images(system, "amd64", _MEMORY)
    config = MachineConfig(images.esp, images.data, _MEMORY, processors)
    power_on = time.monotonic()
    with session.machine(system, config, f"smp{processors}") as machine:
        seen: Stages = []
        for stage, pattern in zip(_STAGES, (_FIRST_LINE[system], "Linux version", "dom0: init")):
            machine.expect(pattern, f"{stage}, {processors} processor(s)", _LIMIT)
            seen.append((time.monotonic() - power_on, processor_seconds(machine.child.pid)))
        return seen


def _rows(processors: int, boots: dict[str, list[Stages]]) -> list[Row]:
    rows = []
    for index, stage in enumerate(_STAGES):
        for part, what in enumerate(("", ", QEMU's processor time")):
            target: Target | None = _TARGETS[processors] if stage == "dom0's init" else None
            name = f"power-on to {stage}, {processors} cpu{'s' if processors > 1 else ''}{what}"
            samples = {system: [boot[index][part] for boot in boots[system]] for system in SYSTEMS}
            rows.append(Row(GROUP, name, "s", samples, target))
    # The firmware's time is the same machine's on both sides, and no hypervisor can change it.
    for part, what in enumerate(("", ", QEMU's processor time")):
        samples = {system: [boot[2][part] - boot[0][part] for boot in boots[system]] for system in SYSTEMS}
        rows.append(Row(GROUP, f"core's first line to dom0's init, {processors} cpu{'s' if processors > 1 else ''}{what}", "s",
                        samples))
    return rows


def run(session: Session) -> list[Row]:
    rows = []
    for processors in (1, 2):
        boots: dict[str, list[Stages]] = {system: [] for system in SYSTEMS}
        for system in session.alternate(5, 2, f"{processors} cpu"):
            boots[system].append(session.once_more(lambda: _boot(session, system, processors)))
        rows += _rows(processors, boots)
    return rows
