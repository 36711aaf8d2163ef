# SPDX-License-Identifier: Apache-2.0
"""A hostile guest: random hypercalls, page-table writes, exceptions and user code. The hypervisor must stay whole, and
must not grant what it may not. SOAK_SEED and SOAK_CALLS in the environment choose other runs."""
import os
import sys

from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.checks import Checks, require

SEEDS = [int(seed) for seed in os.environ.get("SOAK_SEED", "1 2").split()]
CALLS = int(os.environ.get("SOAK_CALLS", "30000"))
_CALLS_A_SECOND = 200  # on a machine that is busy with other things


def soak(seed: int) -> None:
    outcome = run_guest(HYPERVISOR, "soak", f"seed={seed} calls={CALLS}", limit=240 + CALLS / _CALLS_A_SECOND)
    require(outcome.ended == "summary", f"the log ends with ({outcome.ended}):\n{outcome.tail}")
    require("1 ok, 0 failed" in outcome.text, f"a breach:\n{outcome.tail}")


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "soak")
    for seed in SEEDS:
        checks.run(f"soak: {CALLS} hostile calls from seed {seed}", lambda seed=seed: soak(seed))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
