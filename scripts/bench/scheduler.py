# SPDX-License-Identifier: Apache-2.0
"""Group "scheduler": what the modules scheduler_*.py beside this one measure on both systems, and the figures of the
simulation (tests/sim), which runs our scheduler alone."""
import importlib
import re
import subprocess
from pathlib import Path

from imaging.paths import OUT

from .rows import OURS, Row, Target
from .session import BenchError, Session

GROUP = "scheduler"
_SIMULATION = OUT / "tests/scheduler-sim-table"
_SCALE = {True: "1", False: "5"}  # by quick: how many times each scenario's length
_SPEED = re.compile(r"([\d.]+) million decisions a second")
# The table's lines: "scenario: what", measured, at most, unit.
_LINE = re.compile(r"^(\S.*): (.*?)\s{2,}(-?[\d.]+)\s+[\d.]+\s(.*?)(  ABOVE)?$", re.M)


def _simulated(session: Session) -> list[Row]:
    """The greatest of each kind of figure over all scenarios. Their limits are the simulation's own, no targets of ours."""
    session.say(f"{OURS:<7} simulation")
    done = subprocess.run([_SIMULATION, _SCALE[session.quick]], capture_output=True, text=True, check=False)
    lines, speed = _LINE.findall(done.stdout), _SPEED.search(done.stdout)
    if not lines or speed is None:
        raise BenchError(OURS, "simulation of the scheduler", done.stderr or "it printed no figure", done.stdout)
    kinds: dict[tuple[str, str], list[float]] = {}
    for _, what, value, unit, _ in lines:
        kinds.setdefault((what, unit.strip()), []).append(float(value))
    above = sum(bool(line[4]) for line in lines)
    rows = [Row(GROUP, "simulation: decisions in a second of the host's processor", "million", {OURS: [float(speed.group(1))]},
                Target(1, at_least=True, of_ours=True), more_is_better=True)]
    return rows + [Row(GROUP, f"simulation, worst of {len(values)}: {what}", unit, {OURS: [max(values)]},
                       note=f"The simulation runs our scheduler's own code without a machine (1 to 64 pcpus); Xen has no such figures. {above} "
                            f"of its {len(lines)} figures are above the limits it sets itself (`make sched-sim`).")
                   for (what, unit), values in kinds.items()]


def run(session: Session) -> list[Row]:
    rows = []
    for path in sorted(Path(__file__).parent.glob("scheduler_*.py")):
        rows += importlib.import_module(f".{path.stem}", __package__).run(session)
    return rows + _simulated(session)
