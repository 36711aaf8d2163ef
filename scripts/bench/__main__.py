# SPDX-License-Identifier: Apache-2.0
"""Runs the groups, or those that are named, and writes the table, JSON, docs/benchmarks.md and its chart."""
import argparse
import importlib
import os
import sys
from datetime import datetime, timezone
from types import ModuleType

from . import chart, document, results
from .rows import Row
from .session import BenchError, Session
from .table import table
from .versions import versions

# In this order. Each is a module of this folder with GROUP and run(session) -> rows.
_GROUPS = ("start", "core_cost", "memory", "size", "life_cycle", "store", "scheduler", "devices", "processes")


def _groups(only: str) -> dict[str, ModuleType]:
    """The modules by group; only is empty or names separated by commas."""
    every = {module.GROUP: module for module in (importlib.import_module(f".{name}", __package__) for name in _GROUPS)}
    if not only:
        return every
    unknown = set(only.split(",")) - every.keys()
    if unknown:
        sys.exit(f"bench: no group is called {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    return {name: every[name] for name in only.split(",")}


def _measure(session: Session, group: str, module: ModuleType) -> results.Measured:
    session.group = group
    date, load = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M UTC}", os.getloadavg()[0]
    rows: list[Row] = module.run(session)
    return results.Measured(group, date, session.quick, load, versions(), tuple(rows))


def _publish(groups: dict[str, results.Measured]) -> list[Row]:
    order = {group: index for index, group in enumerate(_groups(""))}
    groups = dict(sorted(groups.items(), key=lambda entry: order.get(entry[0], len(order))))
    results.save(groups)
    rows = [row for group in groups.values() for row in group.rows]
    document.DOCUMENT.parent.mkdir(exist_ok=True)
    document.DOCUMENT.write_text(document.document(groups))
    document.CHART.write_text(chart.chart(rows))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="groups, separated by commas; the others stay as they were measured last")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    arguments = parser.parse_args()
    session = Session(arguments.quick)
    measured, failed = results.load(), []
    for group, module in _groups(arguments.only).items():
        try:
            measured[group] = _measure(session, group, module)
        except BenchError as error:
            failed.append(f"{group} {error}")
            print(f"bench: {group} FAILED {error}\n---- the end of the serial log\n{error.tail}\n----", file=sys.stderr)
            continue
        print(table(list(measured[group].rows)), flush=True)
        _publish(measured)
    rows = _publish(measured)
    print("\n" + table(rows))
    missed = sum(row.met is False for row in rows)
    print(f"\n{len(rows)} figures, {sum(row.met is True for row in rows)} targets met, {missed} missed. "
          f"{results.ROWS}, {document.DOCUMENT}, {document.CHART}")
    for failure in failed:
        print(f"FAILED: {failure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
