# SPDX-License-Identifier: Apache-2.0
"""The smallest guest: it starts, prints what it was told, and shuts down."""
import sys

from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.checks import Checks, require

EXPECTED = {
    "the banner comes out of the console": "hello from a mini-guest",
    "start_info names itself": 'start_info magic "xen-3.0-x86_64',
    "the command line is handed over": "one two=3",
    "the version is that of the ABI": "hypervisor version 4.17",
    "the features are those of a PV initial domain": "features 228f0 (result 0)",
    "the memory is what was configured": "memory 16384 pages",
    "it ends": "GUEST hello: 1 ok, 0 failed",
}


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "hello")
    outcome = run_guest(HYPERVISOR, "hello", "one two=3")
    for sentence, text in EXPECTED.items():
        with checks.check(f"hello: {sentence}"):
            require(text in outcome.text, f"no {text!r} in the log, which ends with\n{outcome.tail}")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
