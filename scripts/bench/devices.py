# SPDX-License-Identifier: Apache-2.0
"""Group "devices": disk and network of a stock Linux domain; ours through blkbackd and netbackd, Xen's through xen-blkback
and xen-netback in dom0's kernel. The disk below is a virtio disk of the machine; and once more with one in dom0's memory, under -icount:
how fast an emulated machine is depends on the host from one minute to the next, how many instructions it runs does not."""
from .control import Dom0, dom0_of, figures
from .core_cost import ICOUNT
from .domains import Domain, with_devices
from .processor_time import usage_of
from .rows import RATES, SYSTEMS, Row, at_least
from .session import Session

GROUP = "devices"
_LIMIT = 900
_MEMORY_DISK_KIB = 64 << 10
_COUNTED = ", in 10^9 instructions"
_COUNT_NOTE = ("Rates in 10^9 instructions: what was done while the machine, with one processor under -icount, ran so many; the disk lies "
               "in dom0's memory. The host does not move them.")
# Figure of programs/disk.cpp or net.cpp -> name, what is counted, least ratio.
_ROWS = {"sequential_read": ("block, sequential reads of 1 MiB", "MiB", 1.0), "sequential_write": ("block, sequential writes of 1 MiB", "MiB", 1.0),
         "random_read": ("block, random reads of 4 KiB", "1", 1.0), "random_write": ("block, random writes of 4 KiB", "1", 1.0),
         "tcp_out": ("network, TCP from the domain", "MiB", 0.9), "tcp_in": ("network, TCP to the domain", "MiB", 0.9),
         "round_trips": ("network, round trips over TCP", "1", 0.9)}


def _measured(dom0: Dom0, name: str) -> dict[str, float]:
    """Creates the domain, which measures by itself, and reads what its console said."""
    log = dom0.console_log(name)
    dom0.check("{ net serve >/dev/null 2>&1 & }", "the server in dom0")
    dom0.create(name)
    dom0.check(f"n=0; until grep -q MEASURED {log} || [ $n -ge {_LIMIT} ]; do sleep 1; n=$((n+1)); done; grep -q MEASURED {log} || "
               f"{{ tail -20 {log}; false; }}", "the domain measures", _LIMIT * 2)
    found = figures(dom0.check(f"cat {log}", "the domain's console").replace("\r", ""))
    dom0.destroy(name)
    return found


def _one_machine(session: Session, system: str, domain: Domain) -> dict[str, float]:
    with dom0_of(session, system, [domain]) as dom0:
        with usage_of(dom0.machine.child.pid) as usage:
            found = _measured(dom0, domain.name)
        return found | {f"{key}/processor": rate / usage.share for key, rate in found.items()}


def _one_count(session: Session, system: str, domain: Domain) -> dict[str, float]:
    """The same, a disk in dom0's memory below: nothing waits for the host, and a second is a thousand million instructions."""
    with dom0_of(session, system, [domain], name="count", extra=ICOUNT) as dom0:
        dom0.check(f"modprobe brd rd_nr=1 rd_size={_MEMORY_DISK_KIB}", "a disk in memory")
        return _measured(dom0, domain.name)


def _rows(runs: dict[str, list[dict[str, float]]], suffix: str, said: str, note: str, per: str = "/s") -> list[Row]:
    rows = []
    for key, (name, unit, bound) in _ROWS.items():
        samples = {system: [run[key + suffix] for run in runs[system]] for system in SYSTEMS}
        rows.append(Row(GROUP, f"{name}{said}", f"{unit}{per}", samples, at_least(bound), more_is_better=True, note=note))
    return rows


def run(session: Session) -> list[Row]:
    domain = with_devices(session.repetitions(6, 4), "/dev/vdd")
    runs: dict[str, list[dict[str, float]]] = {system: [] for system in SYSTEMS}
    for system in session.alternate(3, 1):
        runs[system].append(session.once_more(lambda: _one_machine(session, system, domain)))
    counted = with_devices(1, "/dev/ram0", "counted")
    counts: dict[str, list[dict[str, float]]] = {}
    for system in SYSTEMS:
        session.say(f"{system:<7} counted")
        counts[system] = [session.once_more(lambda: _one_count(session, system, counted))]
    return [row for suffix, said, note in RATES for row in _rows(runs, suffix, said, note)] + _rows(counts, "", _COUNTED, _COUNT_NOTE, per="")
