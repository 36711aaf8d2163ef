# SPDX-License-Identifier: Apache-2.0
"""The machine's data disk, which dom0 mounts at /var/lib/hospes: kernels, disk images, domain XML, mini-guests."""
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import guest
from .freshness import files_below, make_if_stale
from .kernels import stock_kernel
from .paths import EXAMPLES, IMAGES, MINI_GUESTS

_SIZE = "256M"


def data_disk(flavour: str) -> Path:
    """The data disk whose domains run one flavour (amd64, cloud, rt) of Debian's kernel.

    dom0 then has kernels/vmlinuz, kernels/initrd.img, images/web.img, *.xml and guests/*.elf in /var/lib/hospes."""
    kernel = stock_kernel(flavour)
    initrd = guest.ramdisk(kernel)
    web = guest.web_disk()
    examples = [path for path in files_below(EXAMPLES) if path.is_file()]
    mini_guests = [path for path in files_below(MINI_GUESTS) if path.suffix in (".elf", ".xml")]

    def make(image: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name in ("kernels", "images", "guests"):
                (root / name).mkdir()
            shutil.copyfile(kernel.image, root / "kernels/vmlinuz")
            shutil.copyfile(initrd, root / "kernels/initrd.img")
            shutil.copyfile(web, root / "images/web.img")
            for path in examples:
                shutil.copyfile(path, root / path.name)
            for path in mini_guests:
                shutil.copyfile(path, root / "guests" / path.name)
            subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-L", "hospes-data", "-E", "root_owner=0:0", "-d", root,
                            image, _SIZE], check=True,
                           stdout=subprocess.DEVNULL)

    inputs = [kernel.image, initrd, web, *examples, *mini_guests]
    return make_if_stale(IMAGES / f"data-{flavour}.img", inputs, _SIZE, make)
