# SPDX-License-Identifier: Apache-2.0
"""dom0's kernel reaches the machine's ports without a trap, on whichever processor it runs: counted from QEMU's log of interrupts."""
import re
import sys

from images import make_images
from imaging.paths import OUT
from machine.bench import skip_without_hypervisor
from machine.checks import Checks, require
from machine.qemu import Machine, MachineConfig

_MEMORY = 1024
# Before the kernel asks for I/O privilege a few accesses trap; without the bitmap 33,000 to PCI's configuration ports do.
_MOST_TRAPS = 100
_GENERAL_PROTECTION = re.compile(rb"^ *\d+: v=0d e=[0-9a-f]+ i=0 cpl=3 ")
_CONFIGURATION_PORT = re.compile(rb" RDX=0{12}0cf[8-f]\b")


def traps_at_configuration_ports(log: bytes) -> int:
    """How many general-protection exceptions of a guest have PCI's configuration ports in DX. The registers follow the exception's line."""
    lines = log.splitlines()
    return sum(_GENERAL_PROTECTION.match(line) is not None and _CONFIGURATION_PORT.search(registers) is not None
               for line, registers in zip(lines, lines[1:]))


def count_traps(processors: int) -> None:
    log = OUT / "tests/boot" / f"port-access-{processors}.interrupts"
    images = make_images("hospes", "amd64", _MEMORY)
    config = MachineConfig(images.esp, images.data, _MEMORY, processors, extra=["-d", "int", "-D", str(log)])
    with Machine(config, log.with_suffix(".log")) as machine:
        machine.expect("dom0: init", "dom0's init")
    content = log.read_bytes()
    require(b" v=0e " in content, f"{log} holds no page fault: QEMU logged nothing")
    traps = traps_at_configuration_ports(content)
    require(traps <= _MOST_TRAPS, f"{traps} accesses to PCI's configuration ports trapped; at most {_MOST_TRAPS} should")
    log.unlink()


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "dom0's kernel reaches the machine's ports without a trap")
    for processors in (1, 2):
        checks.run(f"dom0's kernel reaches the machine's ports without a trap, {processors} processor(s)",
                   lambda processors=processors: count_traps(processors))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
