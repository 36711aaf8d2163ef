# SPDX-License-Identifier: Apache-2.0
"""Every hypercall a PV guest may issue, tried from inside a guest."""
import sys

from harness.verdicts import HYPERVISOR, collect, report, skip_without_images
from machine.checks import Checks


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "hypercalls")
    report(checks, "hypercalls", collect(HYPERVISOR, "hypercalls"))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
