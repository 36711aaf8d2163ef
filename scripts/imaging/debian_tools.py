# SPDX-License-Identifier: Apache-2.0
"""Debian's own Xen programs, as second clients to test against: in a control image only, never installed."""
import shutil
from pathlib import Path

from . import programs
from .packages import unpacked

_PACKAGES = ("xenstore-utils", "xen-utils-4.17", "libxenmisc4.17", "libxenstore4", "libxencall1", "libxenevtchn1",
             "libxenforeignmemory1", "libxengnttab1", "libxentoollog1", "libxentoolcore1", "libxendevicemodel1",
             "libxenhypfs1", "libyajl2", "libfdt1", "libnl-route-3-200", "libnl-3-200", "libncurses6")


def install(root: Path) -> None:
    """Puts xl, xenstored, xenconsoled, xen-init-dom0 and the xenstore clients into root/opt/debian/bin."""
    folders = [unpacked(package) for package in _PACKAGES]
    libraries = sorted({path.parent for folder in folders for path in folder.rglob("*.so*")})
    found = {path.name: path for folder in folders for path in folder.rglob("*")
             if path.is_file() and path.parent.name in ("bin", "sbin")}
    names = [name for name in found if name.startswith("xenstore") and found[name].read_bytes()[:4] == b"\x7fELF"]
    names += [name for name in ("xl", "oxenstored", "xenconsoled", "xen-init-dom0") if name in found]
    programs.install([found[name] for name in names], root, "opt/debian/bin",
                     ":".join(str(folder) for folder in libraries))
    # xl loads this one only when it ends a thread, so ldd does not name it.
    shutil.copy("/lib/x86_64-linux-gnu/libgcc_s.so.1", root / "lib/x86_64-linux-gnu")
    for folder in ("etc/xen", "var/lib/xen", "var/log/xen"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "etc/xen/xl.conf").write_text("autoballoon=\"off\"\n")
