# SPDX-License-Identifier: Apache-2.0
"""What a domain is made of: a ramdisk for its stock kernel, and the disk image of the example domain "web"."""
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import cpio, modules, programs
from .freshness import files_below, make_if_stale
from .kernels import Kernel
from .paths import IMAGES, ROOTS

_MODULES = ("xen-blkfront", "xen-netfront", "ext4", "crc32c_generic")
_FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "mnt")
_WEB_DISK_SIZE = "24M"


def fill(root: Path, kernel: Kernel) -> None:
    """Puts busybox and the modules that a domain needs before it has a disk into a folder."""
    shutil.copytree(ROOTS / "guest", root, dirs_exist_ok=True)
    for name in _FOLDERS:
        (root / name).mkdir(exist_ok=True)
    programs.install_busybox(root)
    (root / "sbin").symlink_to("bin")
    modules.install(kernel, _MODULES, root)


def inputs(kernel: Kernel) -> list[Path]:
    """What fill() reads."""
    return [*files_below(ROOTS / "guest"), Path("/bin/busybox"), kernel.image]


def ramdisk(kernel: Kernel) -> Path:
    """The ramdisk for one kernel."""

    def make(archive: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), kernel)
            cpio.write(Path(folder), archive)

    return make_if_stale(IMAGES / f"guest-{kernel.version}.cpio", inputs(kernel), kernel.version, make)


def web_disk() -> Path:
    """An ext4 disk image with a root file system that serves a page."""

    def make(image: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            shutil.copytree(ROOTS / "web", root, dirs_exist_ok=True)
            for name in _FOLDERS:
                (root / name).mkdir(exist_ok=True)
            programs.install_busybox(root)
            (root / "sbin").symlink_to("bin")
            subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-L", "web", "-E", "root_owner=0:0", "-d", root, image,
                            _WEB_DISK_SIZE], check=True,
                           stdout=subprocess.DEVNULL)

    return make_if_stale(IMAGES / "web.img", [*files_below(ROOTS / "web"), Path("/bin/busybox")], _WEB_DISK_SIZE, make)
