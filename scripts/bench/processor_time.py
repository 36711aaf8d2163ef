# SPDX-License-Identifier: Apache-2.0
"""Seconds of processor time that a QEMU process has used: what it costs, whatever else the host is doing meanwhile."""
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """utime + stime of all threads of a process (proc(5), /proc/PID/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass
class Usage:
    """Of a stretch of time: its length, and the processor time that QEMU used in it."""
    seconds: float = 0.0
    processor: float = 0.0

    @property
    def share(self) -> float:
        """Of one processor of the host. A rate divided by it is one in a second of QEMU's processor time."""
        return self.processor / self.seconds


@contextmanager
def usage_of(pid: int) -> Iterator[Usage]:
    """What the block takes; filled in when it ends."""
    usage, start, before = Usage(), time.monotonic(), processor_seconds(pid)
    yield usage
    usage.seconds, usage.processor = time.monotonic() - start, processor_seconds(pid) - before
