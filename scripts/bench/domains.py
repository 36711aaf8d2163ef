# SPDX-License-Identifier: Apache-2.0
"""The domains that the bench makes: each described once, and written for `hospes` (XML) and for `xl` (its own format)."""
from dataclasses import dataclass
from xml.sax.saxutils import escape

DATA, BENCH = "/var/lib/hospes", "/mnt"  # where dom0 has its data disk and the bench's own


@dataclass(frozen=True)
class Domain:
    """memory in MiB; disk: a block device of dom0 that becomes xvda; bridge: what its network card is on."""
    name: str
    memory: int
    kernel: str
    ramdisk: str = ""
    command_line: str = ""
    disk: str = ""
    bridge: str = ""

    def xml(self) -> str:
        """Domain XML, as `hospes create` takes it."""
        devices = []
        if self.disk:
            devices.append(f"<disk type='block'><source dev='{self.disk}'/><target dev='xvda'/></disk>")
        if self.bridge:
            devices.append(f"<interface type='bridge'><source bridge='{self.bridge}'/></interface>")
        initrd = f"<initrd>{self.ramdisk}</initrd>" if self.ramdisk else ""
        return (f"<domain type='xen'>\n<name>{self.name}</name>\n<memory unit='MiB'>{self.memory}</memory>\n<vcpu>1</vcpu>\n"
                f"<os><type>linux</type><kernel>{self.kernel}</kernel>{initrd}"
                f"<cmdline>{escape(self.command_line)}</cmdline></os>\n"
                f"<devices>{''.join(devices)}<console type='pty'/></devices>\n</domain>\n")

    def xl(self) -> str:
        """The same for `xl create`."""
        lines = [f'name="{self.name}"', 'type="pv"', f"memory={self.memory}", "vcpus=1", f'kernel="{self.kernel}"',
                 f'extra="{self.command_line}"']
        lines += [f'ramdisk="{self.ramdisk}"'] if self.ramdisk else []
        lines += [f'disk=["phy:{self.disk},xvda,w"]'] if self.disk else []
        lines += [f'vif=["bridge={self.bridge}"]'] if self.bridge else []
        return "\n".join([*lines, ""])


def plain() -> Domain:
    """A stock kernel and our ramdisk, no device."""
    return Domain("plain", 192, f"{DATA}/kernels/vmlinuz", f"{DATA}/kernels/initrd.img", "console=hvc0")


def mini(number: int) -> Domain:
    """A mini-guest that sleeps: its next line is due in an hour."""
    return Domain(f"mini{number}", 6, f"{DATA}/guests/heartbeat.elf", "", "period=3600000")


def with_devices(seconds: int, disk: str, name: str = "devices") -> Domain:
    """A stock kernel with a disk and a network card, which it measures, each figure for so many seconds."""
    return Domain(name, 256, f"{DATA}/kernels/vmlinuz", f"{BENCH}/initrd-bench.img",
                  f"console=hvc0 quiet bench.seconds={seconds}", disk, "hospes0")
