#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make mutants`: puts each known mistake of tests/mutants back into a copy of the core and shows which test notices it. A mutant that
lives, or does not compile, is a failure. The table goes to out/mutants/table.md too."""
import argparse
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from imaging.paths import OUT
from mutation.mutant import Mutant, load_mutants
from mutation.scratch import Scratch, Snapshot, Verdict


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
    only: str = parser.parse_args().only
    mutants = _chosen(only)
    snapshot = Snapshot()
    free: SimpleQueue[Scratch] = SimpleQueue()
    workers = min(os.cpu_count() or 1, len(mutants))
    for number in range(workers):
        free.put(Scratch(number, snapshot))

    def try_out(mutant: Mutant) -> Verdict:
        scratch = free.get()
        try:
            verdict = scratch.try_out(mutant)
        finally:
            free.put(scratch)
        print(f"{'killed ' if verdict.killer else 'LIVES  '} {mutant.name}: {verdict.killer}\n          {verdict.how}", flush=True)
        return verdict

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        verdicts = list(pool.map(try_out, mutants))
    results = list(zip(mutants, verdicts))
    table = _table(results)
    (OUT / "mutants/table.md").write_text(table)
    print(f"\n{table}")
    killed = sum(bool(verdict.killer) for verdict in verdicts)
    print(f"{len(mutants)} mutants, {killed} killed, {len(mutants) - killed} alive")
    return 0 if killed == len(mutants) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
