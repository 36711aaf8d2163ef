# SPDX-License-Identifier: Apache-2.0
"""Group "start": from power-on to the core's first line, the first line of dom0's kernel, and dom0's init."""
import statistics
import time

from images import dom0_memory, make_images
from imaging import dom0
from imaging.kernels import stock_kernel
from machine.qemu import MachineConfig

from .processor_time import processor_seconds
from .rows import OURS, SYSTEMS, XEN, Row, Target, at_most
from .session import Session

GROUP = "start"
_MEMORY = 2048
_LIMIT = 600
_STAGES = ("core's first line", "dom0's first line", "dom0's init")
# The first line that the core itself writes; the loaders' lines come before it.
_FIRST_LINE = {OURS: r"\(hospes\) ", XEN: r"\(XEN\) "}
_TARGETS = {1: at_most(0.6), 2: at_most(0.3)}

# What is left when there is no hypervisor at all: the firmware hands over to the kernel's own EFI entry.
_BARE_NOTE = ("“Without a hypervisor”: the same firmware starts the same kernel, which unpacks itself, with the same ramdisk "
              "and as much memory as dom0 has. But for the unpacking a hypervisor can hardly be quicker. Of Xen's time to dom0's init it is {shares}.")

# The kernel's file is the image maker's matter, so the targets take each system as it is laid down; the difference is shown beside them.
_PACKED_NOTE = ("Hospes' image maker packs dom0's kernel again, with LZ4 instead of XZ; Xen starts the file as Debian ships it. The rows "
                "“both from our file” give Xen ours.")

Stages = list[tuple[float, float]]  # of each stage: seconds since power-on, and QEMU's processor time


def _cpus(processors: int) -> str:
    return f"{processors} cpu{'s' if processors > 1 else ''}"


def _boot(session: Session, system: str, processors: int, packed_as: str = "") -> Stages:
    images = make_images(system, "amd64", _MEMORY, packed_as=packed_as)
    config = MachineConfig(images.esp, images.data, _MEMORY, processors, parallel=True)
    power_on = time.monotonic()
    with session.machine(system, config, f"smp{processors}") as machine:
        seen: Stages = []
        for stage, pattern in zip(_STAGES, (_FIRST_LINE[system], "Linux version", "dom0: init")):
            machine.expect(pattern, f"{stage}, {processors} processor(s)", _LIMIT)
            seen.append((time.monotonic() - power_on, processor_seconds(machine.child.pid)))
        return seen


def _bare_boot(session: Session, processors: int) -> tuple[float, float]:
    """Seconds since power-on, and QEMU's processor time, when the ramdisk's init runs on the machine itself."""
    kernel = stock_kernel("amd64")
    options = f"console=ttyS0 mem={dom0_memory(_MEMORY)}M"
    config = MachineConfig(None, None, _MEMORY, processors, parallel=True,
                           extra=["-kernel", str(kernel.image), "-initrd", str(dom0.ramdisk(kernel, False)), "-append", options])
    power_on = time.monotonic()
    with session.machine("none", config, f"smp{processors}") as machine:
        machine.expect("Run /init", f"the ramdisk's init without a hypervisor, {processors} processor(s)", _LIMIT)
        return time.monotonic() - power_on, processor_seconds(machine.child.pid)


def _bare_rows(processors: int, bare: list[tuple[float, float]], boots: dict[str, list[Stages]]) -> list[Row]:
    shares = [statistics.median(boot[part] for boot in bare) / statistics.median(boot[2][part] for boot in boots[XEN]) for part in (0, 1)]
    cpus = _cpus(processors)
    note = _BARE_NOTE.format(shares=f"{shares[0]:.2f} with {cpus} ({shares[1]:.2f} by processor time)")
    return [Row(GROUP, f"power-on to the ramdisk's init without a hypervisor, {cpus}{what}", "s", {OURS: [boot[part] for boot in bare]},
                note=note) for part, what in enumerate(("", ", QEMU's processor time"))]


def _rows(processors: int, boots: dict[str, list[Stages]]) -> list[Row]:
    rows = []
    for index, stage in enumerate(_STAGES):
        for part, what in enumerate(("", ", QEMU's processor time")):
            target: Target | None = _TARGETS[processors] if stage == "dom0's init" else None
            name = f"power-on to {stage}, {_cpus(processors)}{what}"
            samples = {system: [boot[index][part] for boot in boots[system]] for system in SYSTEMS}
            rows.append(Row(GROUP, name, "s", samples, target))
    # The firmware's time is the same machine's on both sides, and no hypervisor can change it.
    for part, what in enumerate(("", ", QEMU's processor time")):
        samples = {system: [boot[2][part] - boot[0][part] for boot in boots[system]] for system in SYSTEMS}
        rows.append(Row(GROUP, f"core's first line to dom0's init, {_cpus(processors)}{what}", "s",
                        samples))
    return rows


def _packed_rows(processors: int, ours: list[Stages], xen: list[Stages]) -> list[Row]:
    return [Row(GROUP, f"power-on to dom0's init, {_cpus(processors)}, both from our file{what}", "s",
                {OURS: [boot[2][part] for boot in ours], XEN: [boot[2][part] for boot in xen]}, note=_PACKED_NOTE)
            for part, what in enumerate(("", ", QEMU's processor time"))]


def run(session: Session) -> list[Row]:
    rows = []
    for processors in (1, 2):
        boots: dict[str, list[Stages]] = {system: [] for system in SYSTEMS}
        for system in session.alternate(5, 2, f"{processors} cpu"):
            boots[system].append(session.once_more(lambda: _boot(session, system, processors)))
        rows += _rows(processors, boots)
        packed = []
        for number in range(session.repetitions(5, 2)):
            session.say(f"{XEN}   our kernel's file, {processors} cpu {number + 1}")
            packed.append(session.once_more(lambda: _boot(session, XEN, processors, OURS)))
        rows += _packed_rows(processors, boots[OURS], packed)
        bare = []
        for number in range(session.repetitions(5, 2)):
            session.say(f"none   {processors} cpu {number + 1}")
            bare.append(_bare_boot(session, processors))
        rows += _bare_rows(processors, bare, boots)
    return rows
