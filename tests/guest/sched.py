# SPDX-License-Identifier: Apache-2.0
"""How domains share one processor: weights, caps, and how soon one that has slept runs beside four that spin. By the clock of
the machine, which under -icount is the number of instructions: what else the host does makes no difference."""
import sys

from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.checks import Checks, require
from machine.shares import ICOUNT, Shares

_SLICE = 10  # ms: kSlice of hypervisor/core/sched/scheduler.hpp
_LIMIT = 900
# What is measured, the figure, the most it may be.
_BOUNDS = (
    ("weights 256 and 512 share 1 : 2 within 3 %", "weights_off", 3),
    ("equal weights share evenly", "equal_off", 3),
    ("a cap of 50 % holds within 3 points", "cap_off_alone", 3),
    ("a cap of 50 % holds beside another domain", "cap_off_beside", 3),
    ("who has slept runs within a slice beside four that spin", "wake_most", _SLICE),
    ("an event through a domain and back takes at most twice as long beside four that spin", "ping_ratio", 2),
)


def measure() -> Shares:
    outcome = run_guest(HYPERVISOR, "sched", "seconds=2 wakes=200 pings=200", limit=_LIMIT, extra=ICOUNT)
    require(outcome.ended == "summary", f"the log ends with ({outcome.ended}):\n{outcome.tail}")
    return Shares.of(outcome.text)


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "sched")
    figures = Shares({})
    with checks.check("sched: the guest measures"):
        figures = measure()
    for sentence, name, most in _BOUNDS if figures.values else ():
        with checks.check(f"sched: {sentence}"):
            value = getattr(figures, name)
            require(value <= most, f"{name} is {value:.3f}")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
