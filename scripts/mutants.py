#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make mutants`: puts each known mistake of tests/mutants back into a copy of the core and shows which test notices it. A mutant that
lives, or does not compile, is a failure. A run of all writes the table to docs/mutants.md; there the next run reads which test it
asks first."""
import argparse
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from imaging.paths import ROOT
from mutation.mutant import Mutant, load_mutants
from mutation.scratch import Scratch, Snapshot, Verdict


TABLE = ROOT / "docs/mutants.md"
_HEAD = """# Known mistakes, and who notices them

Written by `make mutants`, which puts each of these mistakes (tests/mutants) back into a copy of the core, builds the host tests with it
and runs them until one fails.

"""


def _former_killers() -> dict[str, str]:
    """By the names of mutants, the tests that noticed them last time."""
    if not TABLE.exists():
        return {}
    rows = [re.split(r"(?<!\\) ?\| ?", line) for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    return {row[1]: row[4].replace("\\|", "|") for row in rows if len(row) == 6}


def _chosen(only: str) -> list[Mutant]:
    return [mutant for mutant in load_mutants() if re.search(only, mutant.name)]


def _row(mutant: Mutant, verdict: Verdict) -> str:
    killer = verdict.killer or f"**nobody**: {verdict.how}"
    return "| " + " | ".join(text.replace("|", "\\|") for text in (mutant.name, mutant.advisory, mutant.mistake, killer)) + " |"


def _table(results: list[tuple[Mutant, Verdict]]) -> str:
    rows = [_row(mutant, verdict) for mutant, verdict in results]
    return "\n".join(["| mutant | advisory | the mistake | noticed by |", "|---|---|---|---|", *rows]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name matches this regular expression")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many to try at a time")
    arguments = parser.parse_args()
    mutants = _chosen(arguments.only)
    suspects = _former_killers()
    snapshot = Snapshot()
    free: SimpleQueue[Scratch] = SimpleQueue()
    workers = min(arguments.jobs, len(mutants))
    for number in range(workers):
        free.put(Scratch(number, snapshot))

    def try_out(mutant: Mutant) -> Verdict:
        scratch = free.get()
        try:
            verdict = scratch.try_out(mutant, suspects.get(mutant.name, ""))
        finally:
            free.put(scratch)
        print(f"{'killed ' if verdict.killer else 'LIVES  '} {mutant.name}: {verdict.killer}\n          {verdict.how}", flush=True)
        return verdict

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        verdicts = list(pool.map(try_out, mutants))
    results = list(zip(mutants, verdicts))
    table = _table(results)
    killed = sum(bool(verdict.killer) for verdict in verdicts)
    count = f"{len(mutants)} mutants, {killed} killed, {len(mutants) - killed} alive"
    if not arguments.only:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(f"{_HEAD}{table}\n{count}\n")
    print(f"\n{table}\n{count}")
    return 0 if killed == len(mutants) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
