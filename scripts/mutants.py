#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make mutants`: puts each known mistake of tests/mutants back into a copy of the core and shows which test notices it. A mutant that
lives, or does not compile, is a failure. The results go into the table of docs/mutants.md; there the next run reads which test it asks
first."""
import argparse
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from imaging.paths import ROOT
from mutation.mutant import Mutant, load_mutants
from mutation.scratch import Scratch, Snapshot, Verdict


_NOBODY = "**nobody**"
TABLE = ROOT / "docs/mutants.md"
_HEAD = """# Known mistakes, and who notices them

Written by `make mutants`, which puts each of these mistakes (tests/mutants) back into a copy of the core, builds the host tests with it
and runs them until one fails.

"""


def _known_rows() -> dict[str, list[str]]:
    """The rows of the table as it is, by the names of their mutants."""
    if not TABLE.exists():
        return {}
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    return {row[0]: [cell.replace("\\|", "|") for cell in row] for row in rows if len(row) == 4}


def _chosen(only: str) -> list[Mutant]:
    return [mutant for mutant in load_mutants() if re.search(only, mutant.name)]


def _row(mutant: Mutant, verdict: Verdict) -> list[str]:
    return [mutant.name, mutant.advisory, mutant.mistake, verdict.killer or f"{_NOBODY}: {verdict.how}"]


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(["| mutant | advisory | the mistake | noticed by |", "|---|---|---|---|", *lines]) + "\n"


def _write_table(rows: dict[str, list[str]]) -> str:
    """Writes the rows of the mutants there are; returns what it writes."""
    wanted = [rows[mutant.name] for mutant in load_mutants() if mutant.name in rows]
    alive = sum(row[3].startswith(_NOBODY) for row in wanted)
    text = f"{_table(wanted)}\n{len(wanted)} mutants, {len(wanted) - alive} killed, {alive} alive\n"
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(_HEAD + text)
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name matches this regular expression")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many to try at a time")
    arguments = parser.parse_args()
    mutants = _chosen(arguments.only)
    rows = _known_rows()
    snapshot = Snapshot()
    free: SimpleQueue[Scratch] = SimpleQueue()
    workers = min(arguments.jobs, len(mutants))
    for number in range(workers):
        free.put(Scratch(number, snapshot))

    def try_out(mutant: Mutant) -> Verdict:
        scratch = free.get()
        try:
            verdict = scratch.try_out(mutant, rows.get(mutant.name, ["", "", "", ""])[3])
        finally:
            free.put(scratch)
        print(f"{'killed ' if verdict.killer else 'LIVES  '} {mutant.name}: {verdict.killer}\n          {verdict.how}", flush=True)
        return verdict

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        verdicts = list(pool.map(try_out, mutants))
    print("\n" + _write_table(rows | {mutant.name: _row(mutant, verdict) for mutant, verdict in zip(mutants, verdicts)}))
    return 0 if mutants and all(verdict.killer for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
