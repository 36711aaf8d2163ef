# SPDX-License-Identifier: Apache-2.0
"""dom0's ramdisk: busybox, the stock kernel's modules, our programs, Debian's clients where asked for."""
import shutil
import tempfile
from pathlib import Path

from . import cpio, debian_tools, modules, programs
from .freshness import files_below, make_if_stale
from .kernels import Kernel
from .paths import DOM0_PROGRAMS, IMAGES, ROOTS

_FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "mnt", "usr", "var/lib/hospes", "var/log")
_XEN = ("xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs")
_MACHINE = ("virtio_pci", "virtio_blk", "virtio_net", "ahci", "sd_mod", "nvme", "e1000e")
_SERVICES = ("ext4", "crc32c_generic", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8", "loop", "bridge", "tun")
_DAEMONS = ("xenstored", "hospesd", "consoled", "blkbackd", "netbackd")


def our_programs() -> list[Path]:
    """What has been built so far for dom0."""
    return [path for path in files_below(DOM0_PROGRAMS) if path.is_file()]


def fill(root: Path, kernel: Kernel, further_modules: tuple[str, ...] = ()) -> None:
    """Puts all that dom0's ramdisk holds into a folder, Debian's clients aside."""
    shutil.copytree(ROOTS / "dom0", root, dirs_exist_ok=True)
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    programs.install_busybox(root)
    for link in ("sbin", "usr/sbin"):
        (root / link).symlink_to("/bin")
    (root / "init").symlink_to("bin/busybox")
    modules.install(kernel, (*_XEN, *_MACHINE, *_SERVICES, *further_modules), root)
    daemons = [path for path in our_programs() if path.name in _DAEMONS]
    tools = [path for path in our_programs() if path.name not in _DAEMONS]
    programs.install(daemons, root, "usr/libexec/hospes")
    programs.install(tools, root, "usr/bin")


def inputs(kernel: Kernel) -> list[Path]:
    """What fill() reads."""
    return [*our_programs(), *files_below(ROOTS / "dom0"), Path("/bin/busybox"), kernel.image]


def ramdisk(kernel: Kernel, with_debian_tools: bool) -> Path:
    """The ramdisk for one kernel."""
    name = "dom0-debian-tools.cpio" if with_debian_tools else "dom0.cpio"

    def make(archive: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            fill(root, kernel)
            if with_debian_tools:
                debian_tools.install(root)
            cpio.write(root, archive)

    return make_if_stale(IMAGES / name, inputs(kernel), kernel.version, make)
