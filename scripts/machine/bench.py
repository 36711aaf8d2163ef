# SPDX-License-Identifier: Apache-2.0
"""What the machine tests share: a booted machine with dom0's shell at hand."""
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from images import make_images
from imaging.paths import HOSPES_EFI, OUT
from scenario import Scenario

from .checks import Checks
from .qemu import Machine, MachineConfig

# TEST_HYPERVISOR=xen runs the machine tests on Debian's Xen: what fails there too is not the core's fault.
HYPERVISOR = os.environ.get("TEST_HYPERVISOR", "hospes")
_BOOT_LIMIT = 600


@dataclass(frozen=True)
class Hardware:
    """A machine: processors, MiB, the kernel flavour of its domains, how its disk and network card are attached. parallel: the processors
    run at the same time, and dom0 has one vcpu (qemu.accelerator() says why)."""
    processors: int = 1
    memory: int = 2048
    flavour: str = "amd64"
    disk: str = "virtio"
    network: str = "virtio"
    kernel_options: str = ""
    parallel: bool = False


def skip_without_hypervisor(checks: Checks, sentence: str) -> None:
    """Ends the script with a skip while the tree does not build hospes.efi yet."""
    if HYPERVISOR == "hospes" and not HOSPES_EFI.exists():
        checks.skip(sentence, f"{HOSPES_EFI.relative_to(OUT.parent)} is not built by this tree yet")
        sys.exit(0)


@contextmanager
def booted(name: str, hardware: Hardware) -> Iterator[tuple[Machine, Scenario]]:
    """A machine with dom0 at its shell; its serial log is out/tests/boot/NAME.log."""
    images = make_images(HYPERVISOR, hardware.flavour, hardware.memory, kernel_options=hardware.kernel_options,
                         hypervisor_options="dom0_max_vcpus=1" if hardware.parallel else "")
    config = MachineConfig(images.esp, images.data, hardware.memory, hardware.processors, hardware.disk,
                           hardware.network, parallel=hardware.parallel)
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name)
    with Machine(config, OUT / "tests/boot" / f"{file_name}.log") as machine:
        scenario = Scenario(machine, HYPERVISOR == "hospes")
        scenario.boot(lambda stage, text: None, _BOOT_LIMIT)
        yield machine, scenario
