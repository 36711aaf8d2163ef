# SPDX-License-Identifier: Apache-2.0
"""Seconds of processor time that a QEMU process has used: what it costs, whatever else the host is doing meanwhile."""
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """utime + stime of all threads of a process (proc(5), /proc/PID/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
