# SPDX-License-Identifier: Apache-2.0
"""The EFI system partition the machine boots from: our hypervisor, or Debian's Xen as the control."""
import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .freshness import make_if_stale
from .kernels import Kernel
from .packages import unpacked
from .paths import HOSPES_EFI, IMAGES
from .repack import quick_image

_DOM0_COMMAND_LINE = "console=hvc0"


@dataclass(frozen=True)
class Boot:
    """What the firmware is to start: hypervisor is "hospes" or "xen"; kernel is the file with dom0's (kernel_file()); dom0_mib is dom0's
    memory."""
    hypervisor: str
    kernel: Path
    ramdisk: Path
    dom0_mib: int
    hypervisor_options: str = ""
    kernel_options: str = ""

    @property
    def command_line(self) -> str:
        return f"{_DOM0_COMMAND_LINE} {self.kernel_options}".strip()


def kernel_file(hypervisor: str, kernel: Kernel) -> Path:
    """The file of dom0's kernel as a hypervisor usually gets it: ours packed again, Debian's Xen as Debian ships it."""
    return quick_image(kernel) if hypervisor == "hospes" else kernel.image


def xen_efi() -> Path:
    """Debian's Xen as an EFI program: the installed one, else unpacked from its package."""
    installed = Path("/boot/xen-4.17-amd64.efi")
    return installed if installed.exists() else unpacked("xen-hypervisor-4.17-amd64") / "boot/xen-4.17-amd64.efi"


def _xen_files(boot: Boot) -> dict[str, Path | str]:
    options = f"console=com1 com1=115200,8n1 dom0_mem={boot.dom0_mib}M,max:{boot.dom0_mib}M noreboot loglvl=all"
    config = (f"[global]\ndefault=dom0\n[dom0]\noptions={options} {boot.hypervisor_options}\n"
              f"kernel=vmlinuz {boot.command_line}\nramdisk=initrd.img\n")
    return {"EFI/BOOT/BOOTX64.EFI": xen_efi(), "EFI/BOOT/BOOTX64.cfg": config,
            "EFI/BOOT/vmlinuz": boot.kernel, "EFI/BOOT/initrd.img": boot.ramdisk}


def _hospes_files(boot: Boot) -> dict[str, Path | str]:
    options = f"com1=115200 dom0_mem={boot.dom0_mib}M noreboot {boot.hypervisor_options}".strip()
    config = (f"# Read by hospes.efi. Files are looked for beside this one.\n"
              f"kernel = vmlinuz\nkernel_args = {boot.command_line}\nramdisk = initrd.img\noptions = {options}\n")
    return {"EFI/BOOT/BOOTX64.EFI": HOSPES_EFI, "EFI/BOOT/hospes.cfg": config,
            "EFI/BOOT/vmlinuz": boot.kernel, "EFI/BOOT/initrd.img": boot.ramdisk}


def write_fat(image: Path, files: dict[str, Path | str]) -> None:
    """Makes a FAT image with these files, given by path or as text."""
    mib = 8 + sum(path.stat().st_size for path in files.values() if isinstance(path, Path)) // (1 << 20)
    # Clusters of 4 KiB: the firmware follows a file cluster by cluster.
    subprocess.run(["/sbin/mkfs.vfat", "-C", "-s", "8", "-n", "HOSPES", image, str(max(mib, 36) * 1024)], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["mmd", "-i", image, "::/EFI", "::/EFI/BOOT"], check=True)
    with tempfile.NamedTemporaryFile("w") as text:
        for name, content in files.items():
            source = content
            if isinstance(content, str):
                text.seek(0)
                text.truncate()
                text.write(content)
                text.flush()
                source = Path(text.name)
            subprocess.run(["mcopy", "-i", image, str(source), f"::/{name}"], check=True)


def esp(boot: Boot) -> Path:
    """A FAT image with \\EFI\\BOOT\\BOOTX64.EFI and what it loads."""
    if boot.hypervisor == "hospes" and not HOSPES_EFI.exists():
        raise RuntimeError(f"{HOSPES_EFI} is not built")
    files = _xen_files(boot) if boot.hypervisor == "xen" else _hospes_files(boot)
    inputs = [path for path in files.values() if isinstance(path, Path)]
    texts = "\0".join([boot.kernel.name, *(text for text in files.values() if isinstance(text, str))])
    # Machines of different options may run at the same time, so each set of options has an image of its own.
    name = f"esp-{boot.hypervisor}-{hashlib.sha256(texts.encode()).hexdigest()[:8]}.img"
    return make_if_stale(IMAGES / name, inputs, texts, lambda image: write_fat(image, files))
