# SPDX-License-Identifier: Apache-2.0
"""The bench's images: one dom0 ramdisk with both tool stacks in it, and a disk with the domains' descriptions."""
import shutil
import subprocess
import tempfile
from pathlib import Path

from images import dom0_memory
from imaging import cpio, debian_tools, dom0, guest, programs
from imaging.data_disk import data_disk
from imaging.esp import Boot, esp, kernel_file
from imaging.freshness import files_below, make_if_stale
from imaging.kernels import Kernel, stock_kernel
from imaging.packages import unpacked
from imaging.paths import IMAGES, OUT
from machine.qemu import MachineConfig

from .domains import Domain
from .rows import XEN

_ROOTS = Path(__file__).resolve().parent / "roots"
_PROGRAMS = OUT / "bench/programs"
_TARGET_MIB = 128


def _programs() -> list[Path]:
    return [path for path in files_below(_PROGRAMS) if path.is_file()]


def ramdisk(kernel: Kernel) -> Path:
    """dom0's: as it is shipped, and Debian's tool stack, Xen's back ends, the measuring programs.
    The same on both systems; bench.tools= on the command line says which daemons run."""

    def make(archive: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            dom0.fill(root, kernel, ("xen-blkback", "xen-netback", "brd"))
            debian_tools.install(root)
            shutil.copy(unpacked("xen-utils-common") / "etc/xen/oxenstored.conf", root / "etc/xen")
            programs.install(_programs(), root, "usr/bin")
            (root / "etc/init.d/service").rename(root / "etc/init.d/service-of-ours")
            shutil.copytree(_ROOTS / "dom0", root, dirs_exist_ok=True)
            cpio.write(root, archive)

    inputs = [*dom0.inputs(kernel), *_programs(), *files_below(_ROOTS), Path(__file__)]
    return make_if_stale(IMAGES / "dom0-bench.cpio", inputs, kernel.version, make)


def _guest_ramdisk(kernel: Kernel) -> Path:
    """The domains' ramdisk with the measuring programs; its init measures."""

    def make(archive: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            guest.fill(root, kernel)
            shutil.copytree(_ROOTS / "guest", root, dirs_exist_ok=True)
            programs.install([_PROGRAMS / "disk", _PROGRAMS / "net"], root, "bin")
            cpio.write(root, archive)

    inputs = [*guest.inputs(kernel), *_programs(), *files_below(_ROOTS), Path(__file__)]
    return make_if_stale(IMAGES / "guest-bench.cpio", inputs, kernel.version, make)


def _domains_disk(domains: list[Domain], kernel: Kernel) -> Path:
    initrd = _guest_ramdisk(kernel)
    texts = {f"{domain.name}.{kind}": text for domain in domains for kind, text in (("xml", domain.xml()), ("cfg", domain.xl()))}

    def make(image: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            shutil.copyfile(initrd, root / "initrd-bench.img")
            for name, text in texts.items():
                (root / name).write_text(text)
            subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", root, image, "24M"], check=True,
                           stdout=subprocess.DEVNULL)

    return make_if_stale(IMAGES / "bench-domains.img", [initrd], "\0".join(texts.values()), make)


def machine_config(system: str, domains: list[Domain], *, memory: int = 2048, daemons: bool = True, words: str = "") -> MachineConfig:
    """A machine that boots a system with its own tool stack (its daemons, if any): vdb is the data disk, vdc holds the
    domains' descriptions, vdd is there to be overwritten. words: for dom0's kernel."""
    kernel = stock_kernel("amd64")
    tools = "none" if not daemons else "debian" if system == XEN else "ours"
    boot = Boot(system, kernel_file(system, kernel), ramdisk(kernel), dom0_memory(memory),
                kernel_options=f"bench.tools={tools} {words}".strip())
    target = IMAGES / "bench-target.img"
    if not target.exists():
        with target.open("wb") as image:
            image.truncate(_TARGET_MIB << 20)
    return MachineConfig(esp(boot), data_disk("amd64"), memory, 1, scratch=[_domains_disk(domains, kernel), target])
