#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make abi-check`: the hypercalls guest as the initial domain of Hospes and of Debian's Xen, and where they differ."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from harness.verdicts import collect

# Checks where Hospes is stricter or different by decision: test: reason.
ACCEPTED: dict[str, str] = {}


def verdict(outcome: dict[str, str], skipped: dict[str, str], name: str) -> str:
    if name in skipped:
        return f"skipped: {skipped[name]}"
    if name not in outcome:
        return "not run"
    return outcome[name].splitlines()[0] if outcome[name] else "ok"


def main() -> int:
    ours, control = collect("hospes", "hypercalls"), collect("xen", "hypercalls")
    names = list(dict.fromkeys([*control.verdicts, *control.skipped, *ours.verdicts, *ours.skipped]))
    width = max(map(len, names))
    differences = 0
    for name in names:
        here, there = (verdict(run.verdicts, run.skipped, name) for run in (ours, control))
        note = ""
        if here != there:
            note = f"  ({ACCEPTED[name]})" if name in ACCEPTED else "  <-- differs"
            differences += name not in ACCEPTED
        print(f"{name:{width}}  hospes: {here:10}  xen: {there}{note}")
    print(f"{len(names)} checks, {differences} unexplained differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
