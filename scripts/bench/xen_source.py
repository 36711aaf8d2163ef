# SPDX-License-Identifier: Apache-2.0
"""Debian's source package of Xen, to count its lines: fetched with apt into out/, with lists of its own."""
import subprocess
from pathlib import Path

from imaging.paths import PACKAGES

from .session import Session

_FOLDER = PACKAGES / "xen-source"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The point release's: the security archive does not keep its sources on every mirror.
_ARCHIVE = "http://deb.debian.org/debian bookworm main"


def _apt(*words: str) -> None:
    options = {"Dir::Etc::SourceList": _FOLDER / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
               "Dir::State::Lists": _FOLDER / "lists"}
    line = ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}")), *words]
    subprocess.run(line, cwd=_FOLDER, check=True, capture_output=True, timeout=600)


def xen_source(session: Session) -> Path | None:
    """The upstream archive (xen_*.orig.tar.*), or None where it cannot be had: the figure then stays empty."""
    found = sorted(_FOLDER.glob("xen_*.orig.tar.*"))
    if found:
        return found[0]
    (_FOLDER / "lists/partial").mkdir(parents=True, exist_ok=True)
    (_FOLDER / "sources.list").write_text(f"deb-src [signed-by={_KEYS}] {_ARCHIVE}\n")
    session.say("xen     fetching Debian's source package")
    try:
        _apt("update")
        _apt("source", "--download-only", "xen")
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        session.say(f"xen     no source package, so no lines of code: {error}")
        return None
    found = sorted(_FOLDER.glob("xen_*.orig.tar.*"))
    return found[0] if found else None
