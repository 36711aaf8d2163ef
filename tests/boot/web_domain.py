# SPDX-License-Identifier: Apache-2.0
"""The scenario of `make run`, on machines and domain kernels of every promised kind."""
import sys

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks

MACHINES = {
    "one processor, 2 GiB": Hardware(),
    "two processors, 2 GiB": Hardware(processors=2),
    "one processor, 1 GiB": Hardware(memory=1024),
    "one processor, 8 GiB": Hardware(memory=8192),
    "Debian's cloud kernel as the domain's": Hardware(flavour="cloud"),
    "Debian's rt kernel as the domain's": Hardware(flavour="rt"),
}


def play(name: str, hardware: Hardware) -> None:
    """Boots, makes the domain, uses it, ends it, looks into its disk, powers off."""
    with booted(name, hardware) as (_, scenario):
        scenario.daemons_run()
        scenario.create_domain()
        scenario.watch_boot()
        scenario.booted_paravirtualized()
        scenario.write_file()
        scenario.leave_console()
        scenario.fetch_page()
        scenario.shut_down()
        scenario.compare_file()
        scenario.power_off()


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "the stock domain serves its page, and its file is in the disk image")
    for name, hardware in MACHINES.items():
        checks.run(f"the stock domain serves its page, and its file is in the disk image: {name}",
                   lambda name=name, hardware=hardware: play(name, hardware))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
