# SPDX-License-Identifier: Apache-2.0
"""docs/benchmarks.md, written from the rows and their samples."""
from imaging.paths import ROOT

from .results import Measured
from .rows import OURS, XEN, Row
from .table import number, ratio
from .versions import flags

DOCUMENT, CHART = ROOT / "docs/benchmarks.md", ROOT / "docs/benchmarks.svg"
_HEAD = """# Hospes and Xen 4.17, side by side

Written by `make bench`; do not edit. Both boot on the same emulated machine with the same dom0 kernel, ramdisk, domain
kernel and images, in turn (A B A B …). A figure is the median of its runs, with the least and the greatest behind it
where there were several. The ratio is ours / Xen's.

**These are times under QEMU's TCG, an emulation: they are not hardware times.** TCG makes some things dear that are cheap
on a processor (a change of address space flushes the whole emulated TLB) and others cheap. Instruction counts
(`-icount shift=0,sleep=off`) are exact, and closer to what a processor would have to do; they say nothing of caches.
Where a row says “QEMU's processor time”, it is utime + stime of the QEMU process: other work on the host hardly moves it.

![ratios](benchmarks.svg)
"""


def _spread(row: Row, system: str) -> str:
    values = row.samples.get(system) or []
    if len(set(values)) < 2:
        return number(row.median(system))
    return f"{number(row.median(system))} ({number(min(values))}–{number(max(values))})"


def _line(row: Row) -> str:
    met = {None: "", True: "met", False: "**missed**"}[row.met]
    target = str(row.target) if row.target else ""
    return (f"| {row.name} | {row.unit} | {_spread(row, OURS)} | {_spread(row, XEN)} | {ratio(row)} | {target} | {met} |")


def _group(measured: Measured) -> list[str]:
    how = "QUICK=1, " if measured.quick else ""
    lines = [f"## {measured.group}", "", f"{how}measured {measured.date}; the host's load was {measured.load:.1f} at the start.", "",
             "| figure | unit | ours | Xen | ratio | target | |", "|---|---|--:|--:|--:|---|---|"]
    lines += [_line(row) for row in measured.rows]
    notes = dict.fromkeys(row.note for row in measured.rows if row.note)
    return [*lines, "", *(f"- {note}" for note in notes), *([""] if notes else [])]


def document(groups: dict[str, Measured]) -> str:
    """The whole text."""
    lines = [_HEAD]
    for measured in groups.values():
        lines += _group(measured)
    lines += ["## With what", ""]
    seen = {tuple(measured.versions.items()): measured for measured in groups.values()}
    for key, measured in seen.items():
        names = ", ".join(group.group for group in groups.values() if tuple(group.versions.items()) == key)
        lines += [f"- {names}:"] if len(seen) > 1 else []
        lines += [f"{'  ' if len(seen) > 1 else ''}- {name}: {version}" for name, version in measured.versions.items()]
    lines += [f"- QEMU's words (each group adds its own; `-smp` as the figure says): `{flags()}`", ""]
    return "\n".join(lines)
