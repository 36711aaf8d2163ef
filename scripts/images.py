#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the images that a machine boots from. As a command: makes those of `make run`."""
import argparse
from dataclasses import dataclass
from pathlib import Path

from imaging import dom0
from imaging.data_disk import data_disk
from imaging.esp import Boot, esp, kernel_file
from imaging.kernels import FLAVOURS, stock_kernel


@dataclass(frozen=True)
class MachineImages:
    """The disks of one machine."""
    esp: Path
    data: Path


def dom0_memory(machine_mib: int) -> int:
    """dom0's share of a machine's memory, MiB: a quarter, within 512 and 1024. The rest is for domains."""
    return max(512, min(1024, machine_mib // 4))


def make_images(hypervisor: str, flavour: str, machine_mib: int, *, debian_tools: bool = False,
                hypervisor_options: str = "", kernel_options: str = "", packed_as: str = "") -> MachineImages:
    """Makes, or takes from an earlier run, the disks of a machine that boots hypervisor ("hospes" or "xen"). packed_as: the hypervisor
    whose usual file dom0's kernel comes in; by default this one."""
    kernel = stock_kernel("amd64")
    boot = Boot(hypervisor, kernel_file(packed_as or hypervisor, kernel), dom0.ramdisk(kernel, debian_tools),
                dom0_memory(machine_mib), hypervisor_options, kernel_options)
    return MachineImages(esp(boot), data_disk(flavour))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hypervisor", choices=("hospes", "xen"), default="hospes")
    parser.add_argument("--kernel", choices=FLAVOURS, default="amd64", help="the domains' kernel flavour")
    parser.add_argument("--memory", type=int, default=2048, help="MiB of the machine")
    parser.add_argument("--debian-tools", action="store_true", help="put Debian's xl and xenstore clients into dom0")
    arguments = parser.parse_args()
    images = make_images(arguments.hypervisor, arguments.kernel, arguments.memory, debian_tools=arguments.debian_tools)
    print(images.esp, images.data, sep="\n")


if __name__ == "__main__":
    main()
