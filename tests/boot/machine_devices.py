# SPDX-License-Identifier: Apache-2.0
"""dom0 drives the machine's own disks and network cards, by MSI-X and by INTx."""
import re
import sys

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from scenario import STATE, Scenario

# sentence: (hardware, what /proc/interrupts must say of the disk's interrupt)
MACHINES = {
    "virtio disk and network card, by MSI-X": (Hardware(), r"xen-pirq\s+-msi-x\s+virtio\d-req"),
    "AHCI disk and e1000e network card, by MSI": (Hardware(disk="ahci", network="e1000e"), r"xen-pirq\s+-msi\s+ahci"),
    "NVMe disk": (Hardware(disk="nvme"), r"xen-pirq\s+-msi-x\s+nvme0q0"),
    "AHCI disk and e1000e network card, by INTx": (
        Hardware(disk="ahci", network="e1000e", kernel_options="pci=nomsi"), r"xen-pirq\s+-ioapic-level\s+ahci"),
}


def use_disk(scenario: Scenario) -> None:
    """Writes, drops what Linux has cached, and reads the same back."""
    scenario.dom0.check(f"dd if=/dev/urandom of={STATE}/bytes bs=1M count=8 2>/dev/null; sync")
    written = scenario.dom0.check(f"sha256sum {STATE}/bytes")
    scenario.dom0.check("echo 3 >/proc/sys/vm/drop_caches")
    read = scenario.dom0.check(f"sha256sum {STATE}/bytes")
    require(written == read, f"written {written}, read {read}")


def use_network(scenario: Scenario) -> None:
    """Gets an address from the machine's network, and an answer from its router."""
    scenario.dom0.check("n=0; until ip addr show eth0 | grep -q 'inet 10.0.2' || [ $n -ge 60 ]; do sleep 1; "
                        "n=$((n+1)); done; ip addr show eth0 | grep -q 'inet 10.0.2'", "eth0 gets an address")
    scenario.dom0.check("ping -c 3 -w 20 10.0.2.2", "the router answers")


def drive(name: str, hardware: Hardware, interrupt: str) -> None:
    with booted(name, hardware) as (_, scenario):
        scenario.dom0.check(f"mountpoint -q {STATE} || grep -q {STATE} /proc/mounts", "the data disk is mounted")
        use_disk(scenario)
        use_network(scenario)
        table = scenario.dom0.check("cat /proc/interrupts")
        require(re.search(interrupt, table) is not None, f"/proc/interrupts has no {interrupt}:\n{table}")
        scenario.power_off()


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "dom0 uses the machine's disk and network card")
    for name, (hardware, interrupt) in MACHINES.items():
        checks.run(f"dom0 uses the machine's disk and network card: {name}",
                   lambda name=name, hardware=hardware, interrupt=interrupt: drive(name, hardware, interrupt))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
