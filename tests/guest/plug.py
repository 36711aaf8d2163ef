# SPDX-License-Identifier: Apache-2.0
"""A thousand times a vcpu goes and comes back while its domain is pinned to one processor and to the other, answers events, and four
domains spin beside it: no event is lost, and no run of the vcpu."""
import sys

from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.checks import Checks, require
from machine.shares import Shares

_ROUNDS = 1000


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "sched")
    with checks.check(f"a vcpu comes and goes {_ROUNDS} times under load, and nothing is lost"):
        outcome = run_guest(HYPERVISOR, "sched", f"plug={_ROUNDS}", processors=2, limit=900)
        require(outcome.ended == "summary", f"the log ends with ({outcome.ended}):\n{outcome.tail}")
        values = Shares.of(outcome.text).values
        require(values == {"plug_answers": _ROUNDS, "plug_runs": _ROUNDS + 1}, f"{values}\n{outcome.tail}")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
