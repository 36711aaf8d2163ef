# SPDX-License-Identifier: Apache-2.0
"""dom0's ping through a domain: out by the domain's network card, answered by its stock kernel, and back; on an idle machine, and
beside four domains that spin. One processor, and -icount: the times are of instructions, whatever else the host does."""
import re
import statistics

from images import make_images
from machine.checks import CheckFailed
from machine.qemu import MachineConfig
from machine.shares import ICOUNT
from scenario import STATE, Scenario

from .rows import OURS, SYSTEMS, Row, ours_at_most
from .session import BenchError, Session

GROUP = "scheduler"
_BOOT_LIMIT = 1800
_MEMORY = 1024
_PINGS = 100
_SPINNERS = 4
_TIME = re.compile(r"time=([\d.]+) ms")
# The mini-guest "crash" can loop for ever, with all upcalls masked.
_SPIN = (f"sed 's/>crash</>spin'$n'</; s/>domain</>domain way=loop</' {STATE}/guests/crash.xml >/tmp/spin$n.xml && "
         "hospes create /tmp/spin$n.xml")


def _ping(scenario: Scenario, system: str) -> float:
    """The median in ms."""
    times = [float(text) for text in _TIME.findall(scenario.dom0.check(f"ping -c {_PINGS} -i 0.05 web", limit=600))]
    if len(times) < _PINGS:
        raise BenchError(system, "ping", f"{_PINGS - len(times)} of {_PINGS} are lost")
    return statistics.median(times)


def _pings(scenario: Scenario, system: str) -> dict[str, float]:
    """Both medians in ms."""
    scenario.boot(lambda stage, text: None, _BOOT_LIMIT)
    scenario.daemons_run()
    scenario.create_domain()
    scenario.watch_boot()
    scenario.leave_console()
    scenario.fetch_page()
    idle = _ping(scenario, system)
    scenario.dom0.check(f"for n in $(seq {_SPINNERS}); do {_SPIN} || break; done; sleep 5; [ $(hospes list | grep -c spin) = {_SPINNERS} ]",
                        limit=600)
    return {"idle": idle, "busy": _ping(scenario, system)}


def _measure(session: Session, system: str) -> dict[str, float]:
    """The daemons in dom0 are ours on both systems."""
    images = make_images(system, "amd64", _MEMORY)
    config = MachineConfig(images.esp, images.data, _MEMORY, 1, extra=list(ICOUNT))
    with session.machine(system, config, "ping") as machine:
        try:
            return _pings(Scenario(machine, system == OURS), system)
        except CheckFailed as failure:
            raise BenchError(system, "ping through a domain", str(failure), machine.tail()) from failure


def run(session: Session) -> list[Row]:
    runs = {}
    for system in SYSTEMS:
        session.say(f"{system:<7} ping through a domain")
        runs[system] = session.once_more(lambda: _measure(session, system))
    note = ("One processor, under -icount; a stock Linux domain behind netbackd answers dom0's ping. Beside it: four mini-guests that loop. "
            "The daemons are ours on both systems.")

    def row(name: str, unit: str, figure: dict[str, float], bound: float | None = None) -> Row:
        return Row(GROUP, name, unit, {system: [value] for system, value in figure.items()}, ours_at_most(bound) if bound else None, note=note)

    return [row("ping through a Linux domain, idle machine, median", "ms", {system: each["idle"] for system, each in runs.items()}),
            row("ping through a Linux domain beside four that spin, of idle", "ratio",
                {system: each["busy"] / each["idle"] for system, each in runs.items()}, 2)]
