# SPDX-License-Identifier: Apache-2.0
"""Debian packages that are unpacked below out/packages, so that nothing is installed on the machine for them."""
import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .paths import PACKAGES


@contextmanager
def only_process() -> Iterator[None]:
    """Two scripts that start at once may want the same package: while one makes something below out/packages, the others wait."""
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with (PACKAGES / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpacked(package: str) -> Path:
    """The folder that holds the files of a package; downloads and unpacks it the first time."""
    folder = PACKAGES / package
    with only_process():
        if not folder.is_dir():
            _unpack(package, folder)
    return folder


def _unpack(package: str, folder: Path) -> None:
    download = PACKAGES / f".{package}.download"
    shutil.rmtree(download, ignore_errors=True)
    download.mkdir(parents=True)
    # apt warns that it cannot drop its rights in a private folder: of no interest here.
    subprocess.run(["apt-get", "download", "-q", package], cwd=download, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    archive = next(download.glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive, download / "root"], check=True)
    (download / "root").rename(folder)
    shutil.rmtree(download)


def dependencies(package: str) -> list[str]:
    """The direct dependencies of a package, as apt-cache prints them."""
    listing = subprocess.run(["apt-cache", "depends", "--important", package], check=True, capture_output=True,
                             text=True).stdout
    return [line.split(":", 1)[1].strip() for line in listing.splitlines() if line.strip().startswith("Depends:")]
