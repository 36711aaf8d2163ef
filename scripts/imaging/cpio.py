# SPDX-License-Identifier: Apache-2.0
"""Writes a folder as an initramfs (cpio, "newc" format), everything owned by root. Needs no privilege."""
import os
import stat
from pathlib import Path
from typing import BinaryIO

_CONSOLE = (5, 1)  # /dev/console: the kernel opens it before anything is mounted


class _Writer:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inode = 0

    def entry(self, name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, device[0], device[1], len(name) + 1, 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._padded(header + name.encode() + b"\0")
        self._padded(content)

    def _padded(self, data: bytes) -> None:
        self._stream.write(data + b"\0" * (-len(data) % 4))


def write(root: Path, archive: Path) -> None:
    """Writes every file, link and folder below root, and the node /dev/console."""
    with archive.open("wb") as stream:
        writer = _Writer(stream)
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                writer.entry(name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
            elif stat.S_ISDIR(mode):
                writer.entry(name, stat.S_IFDIR | 0o755)
            else:
                writer.entry(name, stat.S_IFREG | (mode & 0o777), path.read_bytes())
        writer.entry("dev/console", stat.S_IFCHR | 0o600, device=_CONSOLE)
        writer.entry("TRAILER!!!", 0)
