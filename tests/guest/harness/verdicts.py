# SPDX-License-Identifier: Apache-2.0
"""Turns what a guest's own tests said into checks; goes on behind a test that ended the domain."""
import os
import sys

from imaging.paths import HOSPES_EFI, MINI_GUESTS, OUT
from machine.checks import CheckFailed, Checks

from .guest_machine import Outcome, run_guest

# TEST_HYPERVISOR=xen runs the guests on Debian's Xen: what fails there too asks for more than the ABI promises.
HYPERVISOR = os.environ.get("TEST_HYPERVISOR", "hospes")
_RESTARTS = 8


def skip_without_images(checks: Checks, guest: str) -> None:
    """Ends the script with a skip while the tree does not build what it needs."""
    needed = [MINI_GUESTS / f"{guest}.elf"] + ([HOSPES_EFI] if HYPERVISOR == "hospes" else [])
    for path in needed:
        if not path.exists():
            checks.skip(f"mini-guest {guest}", f"{path.relative_to(OUT.parent)} is not built by this tree yet")
            sys.exit(0)


def collect(hypervisor: str, guest: str, options: str = "", **machine: object) -> Outcome:
    """Runs all tests of a guest. A test that ends the domain fails, and the rest is run in a new boot without it."""
    total = Outcome("summary", "")
    fatal: list[str] = []
    for _ in range(_RESTARTS):
        skip = f"after={fatal[-1]}" if fatal else ""
        outcome = run_guest(hypervisor, guest, f"{options} {skip}".strip(), **machine)
        total.verdicts.update(outcome.verdicts)
        total.skipped.update(outcome.skipped)
        total.views.update(outcome.views)
        total.text, total.ended = outcome.text, outcome.ended
        if outcome.ended == "summary" or outcome.unfinished is None:
            return total
        total.verdicts[outcome.unfinished] = f"ended the domain or the machine ({outcome.ended}):\n{outcome.tail}"
        fatal.append(outcome.unfinished)
    return total


def report(checks: Checks, guest: str, outcome: Outcome) -> None:
    """One check for every test of the guest, and one for the summary line."""
    for name, reason in outcome.verdicts.items():
        with checks.check(f"{guest}: {name}"):
            if reason:
                raise CheckFailed(reason)
    for name, reason in outcome.skipped.items():
        checks.skip(f"{guest}: {name}", reason)
    with checks.check(f"{guest}: runs to its end"):
        if outcome.ended != "summary":
            raise CheckFailed(f"the log ends with ({outcome.ended}):\n{outcome.tail}")
        if not outcome.verdicts:
            raise CheckFailed("no test ran")
