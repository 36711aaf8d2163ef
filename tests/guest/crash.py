# SPDX-License-Identifier: Apache-2.0
"""An initial domain that ends itself in every way it can: the hypervisor says so, and is not taken along."""
import sys

from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.checks import Checks, require

WAYS = {
    "a null pointer without a handler": "null",
    "a page table without its own kernel": "page-table",
    "an exception on a stack that is not there": "triple-fault",
    "an exception on a stack in the hypervisor's range": "hypervisor-stack",
    "SCHEDOP_shutdown with the reason crash": "panic",
    "iret to user mode without a user root": "no-user-root",
    "iret from a stack that is not there": "iret",
    "a handler that faults itself": "handler",
    "virtual-8086 mode, which only an emulator has": "virtual-8086",
}


def end_by(way: str) -> None:
    outcome = run_guest(HYPERVISOR, "crash", f"way={way}", until="still alive")
    require(f"about to end by {way}" in outcome.text, f"the guest did not start:\n{outcome.tail}")
    require(outcome.ended == "ended", f"the log ends with ({outcome.ended}):\n{outcome.tail}")


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "crash")
    for sentence, way in WAYS.items():
        checks.run(f"crash: the hypervisor survives {sentence}", lambda way=way: end_by(way))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
