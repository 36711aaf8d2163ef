#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make abi-check`: the hypercalls guest as the initial domain of Hospes and of Debian's Xen. Prints both answers to
each check, and says of every difference whether it is listed in tests/guest/abi_differences.txt or new, which fails."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from harness.guest_machine import Outcome
from harness.verdicts import collect

_LIST = Path(__file__).resolve().parents[1] / "abi_differences.txt"


def listed_differences() -> dict[str, str]:
    """name: reason. A line is a name, a colon and the reason; # begins a comment."""
    rows = [line.partition(":") for line in _LIST.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): reason.strip() for name, _, reason in rows}


def answers(outcome: Outcome) -> dict[str, str]:
    """What one hypervisor answered to each check: "ok", the value it shows, or what failed."""
    told = {name: "skipped" for name in outcome.skipped}
    for name, reason in outcome.verdicts.items():
        told[name] = re.sub(r"^\S+:\d+ ", "", reason.splitlines()[0]) if reason else "ok"
    return {**told, **outcome.views}


def main() -> int:
    ours, control = answers(collect("hospes", "hypercalls")), answers(collect("xen", "hypercalls"))
    reasons = listed_differences()
    names = list(dict.fromkeys([*ours, *control]))
    new, listed = [], []
    print(f"{'check':<72} {'hospes':<44} xen 4.17")
    for name in names:
        here, there = ours.get(name, "not run"), control.get(name, "not run")
        print(f"{name:<72} {here:<44} {there}")
        if here != there:
            (listed if name in reasons else new).append(name)
    for name in listed:
        print(f"listed: {name}: {reasons[name]}")
    for name in new:
        print(f"NEW:    {name}: {ours.get(name, 'not run')} and {control.get(name, 'not run')}")
    for name in sorted(set(reasons) - set(listed)):
        print(f"OVER:   {name} is listed, and does not differ")
    print(f"{len(names)} checks, {len(listed)} listed differences, {len(new)} new ones")
    return 1 if new or set(reasons) - set(listed) else 0


if __name__ == "__main__":
    sys.exit(main())
