# SPDX-License-Identifier: Apache-2.0
"""How domains share one processor, as the mini-guest "sched" measures it with small domains of its own."""
from dataclasses import dataclass

from imaging.mini_guest import mini_guest_disk
from machine.qemu import MachineConfig
from machine.shares import ICOUNT, Shares

from .rows import SYSTEMS, Row, Target, ours_at_most
from .session import BenchError, Session

GROUP = "scheduler"
_LIMIT = 1500
_MEMORY = 512
_END = r"GUEST sched: \d+ ok, \d+ failed"


@dataclass(frozen=True)
class _Kind:
    name: str
    unit: str
    figure: str  # of Shares
    target: Target | None


_KINDS = (
    _Kind("weights 256 and 512: off 1 : 2", "%", "weights_off", ours_at_most(3)),
    _Kind("equal weights: off 1 : 1", "%", "equal_off", ours_at_most(3)),
    _Kind("cap of 50 %, alone: off", "points", "cap_off_alone", ours_at_most(3)),
    _Kind("cap of 50 % beside another: off", "points", "cap_off_beside", ours_at_most(3)),
    _Kind("wake-up beside four that spin, longest", "ms", "wake_most", ours_at_most(10)),  # a slice
    _Kind("event through a domain and back beside four that spin, of idle", "ratio", "ping_ratio", ours_at_most(2)),
)


def _measure(session: Session, system: str) -> Shares:
    config = MachineConfig(mini_guest_disk(system, "sched", ""), None, _MEMORY, extra=list(ICOUNT))
    with session.machine(system, config, "guest") as machine:
        machine.expect(_END, "the mini-guest measures", _LIMIT)
        figures = Shares.of(machine.text_before())
    if not figures.values:
        raise BenchError(system, "the mini-guest measures", "it printed no figure")
    return figures


def _row(kind: _Kind, runs: dict[str, list[Shares]]) -> Row:
    samples = {system: [getattr(one, kind.figure) for one in figures] for system, figures in runs.items()}
    return Row(GROUP, kind.name, kind.unit, samples, kind.target,
               note="One processor; small domains that spin, one that sleeps and one that answers events (mini-guest sched).")


def run(session: Session) -> list[Row]:
    runs: dict[str, list[Shares]] = {system: [] for system in SYSTEMS}
    for system in session.alternate(2, 1, "shares and latency"):
        runs[system].append(session.once_more(lambda: _measure(session, system)))
    return [_row(kind, runs) for kind in _KINDS]
