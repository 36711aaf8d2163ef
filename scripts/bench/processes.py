# SPDX-License-Identifier: Apache-2.0
"""Group "linux": instructions of fork, exec and a context switch in a stock Linux (dom0), under -icount."""
from .control import dom0_of
from .core_cost import ICOUNT
from .rows import SYSTEMS, Row, at_most
from .session import Session

GROUP = "linux"
_NAMES = {"fork_exec_exit_wait": "vfork, exec, exit, wait", "fork_exit_wait": "fork, exit, wait", "context_switch": "context switch by a pipe"}


def _one_machine(session: Session, system: str) -> dict[str, float]:
    with dom0_of(session, system, [], daemons=False, extra=ICOUNT) as dom0:
        return dom0.measure("processes 50", "processes come and go", 1200)


def run(session: Session) -> list[Row]:
    runs: dict[str, list[dict[str, float]]] = {system: [] for system in SYSTEMS}
    for system in session.alternate(1, 1):
        runs[system].append(session.once_more(lambda: _one_machine(session, system)))
    return [Row(GROUP, name, "instructions", {system: [run[key] for run in runs[system]] for system in SYSTEMS}, at_most(0.8),
                note="Linux's rows are measured in dom0, a stock Debian kernel as any domain has; no daemons running; static program, least of five means.")
            for key, name in _NAMES.items()]
