# SPDX-License-Identifier: Apache-2.0
"""A disk from which a mini-guest boots as the initial domain, on Hospes or on Debian's Xen."""
from pathlib import Path

from .esp import write_fat, xen_efi
from .paths import HOSPES_EFI, IMAGES, MINI_GUESTS

_GUEST_MIB = 64


def _files(hypervisor: str, elf: Path, options: str, hypervisor_options: str) -> dict[str, Path | str]:
    if hypervisor == "xen":
        words = f"console=com1 com1=115200,8n1 dom0_mem={_GUEST_MIB}M noreboot loglvl=warning guest_loglvl=none {hypervisor_options}"
        config = f"[global]\ndefault=guest\n[guest]\noptions={words}\nkernel={elf.name} {options}\n"
        return {"EFI/BOOT/BOOTX64.EFI": xen_efi(), "EFI/BOOT/BOOTX64.cfg": config, f"EFI/BOOT/{elf.name}": elf}
    words = f"com1=115200 dom0_mem={_GUEST_MIB}M noreboot {hypervisor_options}".strip()
    arguments = f"kernel_args = {options}\n" if options else ""
    config = f"kernel = {elf.name}\n{arguments}options = {words}\n"
    return {"EFI/BOOT/BOOTX64.EFI": HOSPES_EFI, "EFI/BOOT/hospes.cfg": config, f"EFI/BOOT/{elf.name}": elf}


def mini_guest_disk(hypervisor: str, guest: str, options: str, hypervisor_options: str = "", owner: str = "guest") -> Path:
    """Makes the disk anew: hypervisor is "hospes" or "xen", options are for the guest. No two owners have the same file."""
    image = IMAGES / f"{owner}-{hypervisor}-{guest}.img"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.unlink(missing_ok=True)
    write_fat(image, _files(hypervisor, MINI_GUESTS / f"{guest}.elf", options, hypervisor_options))
    return image
