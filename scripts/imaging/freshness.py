# SPDX-License-Identifier: Apache-2.0
"""Makes an output only when one of its inputs has changed."""
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

_SOURCES = sorted(Path(__file__).resolve().parent.glob("*.py"))


def files_below(folder: Path) -> list[Path]:
    """Every file and link below a folder, sorted; an absent folder has none."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _key(inputs: Iterable[Path], parameters: str) -> str:
    digest = hashlib.sha256(parameters.encode())
    for path in [*_SOURCES, *inputs]:
        status = path.lstat()
        digest.update(f"{path}:{status.st_mtime_ns}:{status.st_size}\n".encode())
    return digest.hexdigest()


def make_if_stale(output: Path, inputs: Iterable[Path], parameters: str, make: Callable[[Path], None]) -> Path:
    """Calls make(temporary path) and moves the result to output, unless output was made from the same inputs.

    inputs are compared by time and size; parameters is any text that the output depends on besides."""
    key = _key(inputs, parameters)
    stamp = output.with_name(f".{output.name}.key")
    if output.exists() and stamp.exists() and stamp.read_text() == key:
        return output
    output.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        make(temporary)
        temporary.rename(output)
    finally:
        temporary.unlink(missing_ok=True)
    stamp.write_text(key)
    return output
