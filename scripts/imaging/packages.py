# SPDX-License-Identifier: Apache-2.0
"""Debian packages that are unpacked below out/packages, so that nothing is installed on the machine for them."""
import shutil
import subprocess
from pathlib import Path

from .paths import PACKAGES


def unpacked(package: str) -> Path:
    """The folder that holds the files of a package; downloads and unpacks it the first time."""
    folder = PACKAGES / package
    if folder.is_dir():
        return folder
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
    return folder


def dependencies(package: str) -> list[str]:
    """The direct dependencies of a package, as apt-cache prints them."""
    listing = subprocess.run(["apt-cache", "depends", "--important", package], check=True, capture_output=True,
                             text=True).stdout
    return [line.split(":", 1)[1].strip() for line in listing.splitlines() if line.strip().startswith("Depends:")]
