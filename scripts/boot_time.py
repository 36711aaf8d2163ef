#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seconds from power-on to the stages of the boot, on Hospes and on Debian's Xen with the same kernel and ramdisk."""
import argparse
import statistics
import time

from images import make_images
from imaging.paths import OUT
from machine.qemu import Machine, MachineConfig

_LIMIT = 300
# Stage -> what the console shows when it is reached. Xen's core has no line of its own for the loader's end.
_STAGES = {"firmware done": r"Xen \d|hospes|Hospes", "dom0's kernel starts": r"Linux version", "dom0's init": "dom0: init",
           "dom0's shell": "dom0 # "}


def one_boot(hypervisor: str, memory: int, processors: int) -> list[float]:
    """The seconds of each stage in one boot, counted from the start of the QEMU process."""
    images = make_images(hypervisor, "amd64", memory)
    config = MachineConfig(images.esp, images.data, memory, processors, parallel=True)
    start = time.monotonic()
    with Machine(config, OUT / f"boot-time-{hypervisor}.log") as machine:
        seconds = []
        for stage, pattern in _STAGES.items():
            machine.expect(pattern, stage, _LIMIT)
            seconds.append(time.monotonic() - start)
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hypervisors", nargs="*", default=["xen", "hospes"])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--memory", type=int, default=2048)
    parser.add_argument("--smp", type=int, default=1)
    arguments = parser.parse_args()
    medians: dict[str, list[float]] = {}
    for hypervisor in arguments.hypervisors:
        boots = [one_boot(hypervisor, arguments.memory, arguments.smp) for _ in range(arguments.times)]
        medians[hypervisor] = [statistics.median(column) for column in zip(*boots)]
    print(f"{'median of ' + str(arguments.times):<24}" + "".join(f"{name:>10}" for name in medians))
    for index, stage in enumerate(_STAGES):
        print(f"{stage:<24}" + "".join(f"{seconds[index]:>9.1f}s" for seconds in medians.values()))
    if {"xen", "hospes"} <= medians.keys():
        print(f"to dom0's init, of Xen's: {medians['hospes'][2] / medians['xen'][2]:.2f}")


if __name__ == "__main__":
    main()
