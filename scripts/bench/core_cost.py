# SPDX-License-Identifier: Apache-2.0
"""Group "core": instructions of single operations, by the mini-guest "bench" as the initial domain, under -icount."""
import re

from imaging.mini_guest import mini_guest_disk
from machine.qemu import MachineConfig

from .rows import SYSTEMS, Row, Target, at_most
from .session import BenchError, Session

GROUP = "core"
ICOUNT = ("-icount", "shift=0,sleep=off")  # one tick of the TSC is one instruction
_LIMIT = 1500
_MEMORY = 512
# What the guest prints: "bench NAME OPERATIONS TICKS", and at its end "GUEST bench: ...".
_LINE = re.compile(r"^bench (\w+) (\d+) (\d+)$", re.M)
_END = r"GUEST bench: \d+ ok, \d+ failed"
_HALF = re.compile(r"null_hypercall|event_send|pt_update|user_system_call")


def _target(name: str) -> Target | None:
    if name == "empty_loop":
        return None
    return at_most(0.5 if _HALF.match(name) else 0.8)


def _costs(session: Session, system: str) -> dict[str, float]:
    config = MachineConfig(mini_guest_disk(system, "bench", "rounds=1000"), None, _MEMORY, extra=list(ICOUNT))
    with session.machine(system, config) as machine:
        machine.expect(_END, "the mini-guest measures", _LIMIT)
        text = machine.text_before()
    found = {name: int(ticks) / int(operations) for name, operations, ticks in _LINE.findall(text)}
    if not found:
        raise BenchError(system, "the mini-guest measures", "it printed no figure", text[-2000:])
    return found


def run(session: Session) -> list[Row]:
    runs: dict[str, list[dict[str, float]]] = {system: [] for system in SYSTEMS}
    for system in session.alternate(2, 1):
        runs[system].append(session.once_more(lambda: _costs(session, system)))
    names = dict.fromkeys(name for system in SYSTEMS for one in runs[system] for name in one)
    return [Row(GROUP, name.replace("_", " "), "instructions",
                {system: [one[name] for one in runs[system] if name in one] for system in SYSTEMS}, _target(name),
                note="Instructions of one operation as the mini-guest counts them, its own loop included (see “empty loop”).")
            for name in names]
