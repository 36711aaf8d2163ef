# SPDX-License-Identifier: Apache-2.0
"""The domains that the bench makes: each described once, and written for `hospes` (XML) and for `xl` (its own format)."""
from dataclasses import dataclass
from xml.sax.saxutils import escape

DATA, BENCH = "/var/lib/hospes", "/mnt"  # where dom0 has its data disk and the bench's own


@dataclass(frozen=True)
class Domain:
    """memory in MiB; kernel and ramdisk: files in dom0."""
    name: str
    memory: int
    kernel: str
    ramdisk: str = ""
    command_line: str = ""

    def xml(self) -> str:
        """Domain XML, as `hospes create` takes it."""
        initrd = f"<initrd>{self.ramdisk}</initrd>" if self.ramdisk else ""
        return (f"<domain type='xen'>\n<name>{self.name}</name>\n<memory unit='MiB'>{self.memory}</memory>\n<vcpu>1</vcpu>\n"
                f"<os><type>linux</type><kernel>{self.kernel}</kernel>{initrd}"
                f"<cmdline>{escape(self.command_line)}</cmdline></os>\n"
                f"<devices><console type='pty'/></devices>\n</domain>\n")

    def xl(self) -> str:
        """The same for `xl create`."""
        lines = [f'name="{self.name}"', 'type="pv"', f"memory={self.memory}", "vcpus=1", f'kernel="{self.kernel}"',
                 f'extra="{self.command_line}"']
        lines += [f'ramdisk="{self.ramdisk}"'] if self.ramdisk else []
        return "\n".join([*lines, ""])


def plain() -> Domain:
    """A stock kernel and our ramdisk, no device."""
    return Domain("plain", 192, f"{DATA}/kernels/vmlinuz", f"{DATA}/kernels/initrd.img", "console=hvc0")


def mini(number: int) -> Domain:
    """A mini-guest that sleeps: its next line is due in an hour."""
    return Domain(f"mini{number}", 6, f"{DATA}/guests/heartbeat.elf", "", "period=3600000")
