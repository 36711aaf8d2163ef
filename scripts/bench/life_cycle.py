# SPDX-License-Identifier: Apache-2.0
"""Group "life-cycle": create of a stock Linux domain until the command returns, the first line, its init; destroy; and how
the time of a create grows with the number of domains."""
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from .control import Dom0, dom0_of
from .create_counts import create_counts
from .domains import Domain, mini, plain
from .processor_time import usage_of
from .rows import SYSTEMS, Row, at_most, ours_at_most
from .session import Session

GROUP = "life-cycle"
_PLAIN = plain().name
_ENDS = 5  # creates at each end of the row of mini-guests


def _one_life(dom0: Dom0) -> dict[str, float]:
    """Milliseconds of one domain's life; the figures' names are those of the rows."""
    log = dom0.console_log(_PLAIN)
    with usage_of(dom0.machine.child.pid) as usage:
        taken = dom0.measure(f"stopwatch returns -f {log} 'Linux version' line -f {log} 'ramdisk:' init -- "
                             f"{dom0.create_command(_PLAIN)}", "create of a Linux domain")
    taken["init of QEMU"] = usage.processor * 1000
    taken |= dom0.measure(f"stopwatch destroy -- {dom0.destroy_command(_PLAIN)}", "destroy of a Linux domain")
    return taken


def _slope(dom0: Dom0, session: Session, count: int) -> tuple[float, float]:
    """Milliseconds of a mini-guest's create, and how many percent more the last ones took than the first."""
    taken = []
    for number in range(1, count + 1):
        if number % 20 == 1:
            session.say(f"{dom0.system:<7} mini-guest {number} of {count}")
        name = mini(number).name
        taken.append(dom0.measure(f"stopwatch create -- {dom0.create_command(name)}", f"create of mini-guest {number}")["create"])
    first, last = (statistics.median(part) for part in (taken[1:1 + _ENDS], taken[-_ENDS:]))
    return statistics.median(taken), 100 * (last / first - 1)


@dataclass
class _Found:
    """What one machine showed: lives in ms; of the mini-guests the median create in ms and its growth in percent; counts."""
    lives: list[dict[str, float]]
    create: float | None = None
    growth: float | None = None
    counts: dict[str, float] = field(default_factory=dict)


def _timed(session: Session, system: str, domains: list[Domain], minis: int) -> _Found:
    with dom0_of(session, system, domains) as dom0:
        dom0.create(_PLAIN)  # the first one warms dom0's page cache, on both
        dom0.destroy(_PLAIN)
        found = _Found([_one_life(dom0) for _ in range(session.repetitions(4, 3))])
        if minis:
            found.create, found.growth = _slope(dom0, session, minis)
        return found


def _counted(session: Session, system: str, domains: list[Domain]) -> dict[str, float]:
    session.say(f"{system:<7} requests of a create")
    with dom0_of(session, system, domains, name="counts") as dom0:
        return create_counts(dom0, _PLAIN, f"grep -q 'ramdisk:' {dom0.console_log(_PLAIN)}")


def run(session: Session) -> list[Row]:
    minis = session.repetitions(100, 25)
    domains = [plain(), *(mini(number) for number in range(1, minis + 1))]
    found: dict[str, list[_Found]] = {system: [] for system in SYSTEMS}
    for system in session.alternate(2, 1, "lives"):
        first = not found[system]
        found[system].append(session.once_more(lambda: _timed(session, system, domains, minis if first else 0)))
    counts = {system: session.once_more(lambda: _counted(session, system, domains)) for system in SYSTEMS}
    return _rows(found, counts, minis)


def _rows(found: dict[str, list[_Found]], counts: dict[str, dict[str, float]], minis: int) -> list[Row]:
    def lives(key: str) -> dict[str, list[float]]:
        return {system: [life[key] for one in found[system] for life in one.lives] for system in SYSTEMS}

    def of_first(value: Callable[[_Found], float | None]) -> dict[str, list[float]]:
        return {system: [number for one in found[system] if (number := value(one)) is not None] for system in SYSTEMS}

    def counted(key: str) -> dict[str, list[float]]:
        return {system: [counts[system][key]] for system in SYSTEMS}

    linux = f"Linux of {plain().memory} MiB"
    return [
        Row(GROUP, f"create to its return, {linux}", "ms", lives("returns"), at_most(0.2)),
        Row(GROUP, f"create to the domain's first line, {linux}", "ms", lives("line")),
        Row(GROUP, f"create to the domain's init, {linux}", "ms", lives("init"), at_most(0.5)),
        Row(GROUP, f"create to the domain's init, {linux}, QEMU's processor time", "ms", lives("init of QEMU"), at_most(0.5)),
        Row(GROUP, f"destroy, {linux}", "ms", lives("destroy")),
        Row(GROUP, f"create of a mini-guest, median of {minis}", "ms", of_first(lambda one: one.create), at_most(0.2)),
        Row(GROUP, f"growth of create, 1st to {minis}th mini-guest", "%", of_first(lambda one: one.growth), ours_at_most(10)),
        Row(GROUP, "requests to the hypervisor a create, by dom0's processes", "count", counted("privcmd"),
            note="Requests to the hypervisor: calls of privcmd's ioctl (a hypercall, or a mapping of a domain's frames), from "
            "create to the domain's init."),
        Row(GROUP, "xenstore requests a create, over the socket", "count", counted("store")),
    ]
