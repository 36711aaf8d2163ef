# SPDX-License-Identifier: Apache-2.0
"""Guests that depend on time: the heartbeat ticks, and every operation of the benchmark comes to its end."""
import re
import sys

from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.checks import Checks, require


def ticks() -> None:
    outcome = run_guest(HYPERVISOR, "heartbeat", "ticks=5 period=200")
    seen = [int(number) for number in re.findall(r"^heartbeat (\d+),", outcome.text, re.MULTILINE)]
    require(seen == [1, 2, 3, 4, 5], f"the ticks were {seen}; the log ends with\n{outcome.tail}")


def operations() -> None:
    outcome = run_guest(HYPERVISOR, "bench", "rounds=20")
    lines = re.findall(r"^bench (\w+) (\d+) (\d+)$", outcome.text, re.MULTILINE)
    require(outcome.ended == "summary", f"the log ends with\n{outcome.tail}")
    require(len(lines) >= 30, f"only {len(lines)} operations were measured; the log ends with\n{outcome.tail}")


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "heartbeat")
    checks.run("heartbeat: five ticks, none twice and none left out", ticks)
    checks.run("bench: every operation is measured", operations)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
