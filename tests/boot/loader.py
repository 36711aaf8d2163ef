# SPDX-License-Identifier: Apache-2.0
"""The loader on files that are not as they should be: one clear message, and the core is not entered. And on a kernel's file as Debian
ships it, where all other machines have it packed again."""
import re
import struct
import sys
import tempfile
from pathlib import Path

from imaging.esp import write_fat
from imaging.kernels import stock_kernel
from imaging.paths import HOSPES_EFI, OUT
from machine.bench import skip_without_hypervisor
from machine.checks import Checks
from machine.qemu import Machine, MachineConfig

_GOOD = "kernel = vmlinuz\n"
_PAYLOAD_OFFSET = 0x248
_SETUP_SECTORS = 0x1F1


def damaged(kernel: bytes) -> bytes:
    """One bit turned in the middle of the compressed part."""
    (offset,) = struct.unpack_from("<I", kernel, _PAYLOAD_OFFSET)
    middle = (kernel[_SETUP_SECTORS] + 1) * 512 + offset + 100_000
    return kernel[:middle] + bytes([kernel[middle] ^ 1]) + kernel[middle + 1:]


def foreign_elf() -> bytes:
    """An ELF executable for AArch64."""
    return struct.pack("<4sBBB9xHHI", b"\x7fELF", 2, 1, 1, 2, 183, 1).ljust(4096, b"\0")


def cases(kernel: bytes) -> dict[str, tuple[dict[str, bytes | str], str]]:
    """sentence: (files beside hospes.efi, what the loader must say)"""
    return {
        "no hospes.cfg": ({}, r"hospes\.cfg: cannot be opened \(not found\)"),
        "a line without a value": ({"hospes.cfg": _GOOD + "noreboot\n"}, r"hospes\.cfg:2: 'noreboot' has no '='"),
        "a misspelt key": ({"hospes.cfg": _GOOD + "ramdisc = x\n"}, r"hospes\.cfg:2: .* did you mean 'ramdisk'\?"),
        "a kernel that does not exist": ({"hospes.cfg": _GOOD}, r"vmlinuz: cannot be opened \(not found\)"),
        "a kernel that was cut off": ({"hospes.cfg": _GOOD, "vmlinuz": kernel[:len(kernel) // 2]}, r"vmlinuz: cut off"),
        "a damaged kernel": ({"hospes.cfg": _GOOD, "vmlinuz": damaged(kernel)}, r"vmlinuz: .* cannot be unpacked"),
        "a kernel for another processor": ({"hospes.cfg": _GOOD, "vmlinuz": foreign_elf()},
                                           r"vmlinuz: ELF machine 183 is not x86-64"),
        "a file that is no kernel": ({"hospes.cfg": _GOOD, "vmlinuz": b"\0" * 4096}, r"vmlinuz: not a Linux kernel"),
    }


def boot_until(files: dict[str, bytes | str], steps: dict[str, str], name: str) -> None:
    """Boots with these files beside the loader; steps: what the console is to show, and what that is called."""
    with tempfile.TemporaryDirectory() as folder:
        beside: dict[str, Path | str] = {"EFI/BOOT/BOOTX64.EFI": HOSPES_EFI}
        for file, content in files.items():
            path = Path(folder) / file
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            beside[f"EFI/BOOT/{file}"] = path
        image = Path(folder) / "esp.img"
        write_fat(image, beside)
        with Machine(MachineConfig(esp=image, data=None, memory=512), OUT / "tests/boot" / f"{name}.log") as machine:
            for pattern, step in steps.items():
                machine.expect(pattern, step)


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "the loader refuses bad files with one clear message")
    kernel = stock_kernel("amd64").image.read_bytes()
    for what, (files, message) in cases(kernel).items():
        with checks.check(f"the loader refuses {what} with one clear message"):
            boot_until(files, {f"hospes.efi: {message}": "the loader's message", "Hospes was not started": "the loader stops"},
                       "loader-" + re.sub(r"[^a-z]+", "-", what.lower()))
    with checks.check("the loader starts a kernel as Debian packs it"):
        boot_until({"hospes.cfg": _GOOD + "kernel_args = console=hvc0\noptions = com1=115200 noreboot\n", "vmlinuz": kernel},
                   {"unpacked xz": "the loader unpacks the kernel", r"Linux version \d": "the kernel's first line"}, "loader-as-shipped")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
