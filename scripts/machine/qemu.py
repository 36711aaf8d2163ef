# SPDX-License-Identifier: Apache-2.0
"""Starts QEMU (q35, OVMF, TCG) with its serial console on a pseudo-terminal, and always ends it."""
import os
import shlex
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pexpect

# The build for 2 MiB of flash: without the network stack of the larger one, it starts sooner.
_FIRMWARE = Path("/usr/share/OVMF")
# Seconds. TCG on a busy machine is slow; these only end what hangs.
_START_LIMIT = 3600 if os.environ.get("QEMU_PREFIX") else 600
DEFAULT_LIMIT = 300


class MachineError(Exception):
    """A step of the conversation failed; tail is the end of the serial log."""

    def __init__(self, step: str, reason: str, tail: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step, self.reason, self.tail = step, reason, tail


@dataclass
class MachineConfig:
    """The hardware: memory in MiB; disk "virtio", "ahci" or "nvme"; network "virtio" or "e1000e". parallel: see accelerator()."""
    esp: Path | None
    data: Path | None
    memory: int = 2048
    processors: int = 1
    disk: str = "virtio"
    network: str = "virtio"
    scratch: list[Path] = field(default_factory=list)  # further raw disks: vdb, vdc ... after the data disk
    extra: list[str] = field(default_factory=list)
    parallel: bool = False


def _drive(name: str, image: Path, kind: str, options: str = "") -> list[str]:
    # snapshot=on: each start sees the image as it was made, whatever the last run wrote.
    drive = f"id={name},file={image},format=raw,if=none,snapshot=on"
    devices = {"virtio": f"virtio-blk-pci,drive={name}", "ahci": f"ide-hd,drive={name}",
               "nvme": f"nvme,drive={name},serial={name}"}
    return ["-drive", drive, "-device", devices[kind] + options]


def accelerator(config: MachineConfig) -> str:
    """TCG, several processors by turns in one thread of the host; with `parallel` a thread for each, which is for kernels that do not patch
    their code while they run. QEMU before 8.1 reads code before it locks the page that it translates; a breakpoint that one processor has
    patched away in between stays in the translation, and Linux tries that instruction for ever (1 boot of 10 with four processors)."""
    if config.processors == 1:
        return "tcg"
    return "tcg,thread=multi" if config.parallel else "tcg,thread=single"


def command_line(config: MachineConfig, variables: Path) -> list[str]:
    """QEMU's command line. variables is a writable copy of the firmware's variable store."""
    network = {"virtio": "virtio-net-pci", "e1000e": "e1000e"}[config.network]
    # SMAP off: QEMU 7.2 reads IRET's stack with supervisor rights, which a PV kernel in ring 3 does not survive.
    # No empty CD drive and a boot order: the firmware looks for nothing else.
    line = ["qemu-system-x86_64", "-nodefaults", "-vga", "std", "-machine", "q35", "-accel", accelerator(config), "-cpu", "max,-smap",
            "-m", str(config.memory), "-smp", str(config.processors),
            "-drive", f"if=pflash,format=raw,readonly=on,file={_FIRMWARE / 'OVMF_CODE.fd'}",
            "-drive", f"if=pflash,format=raw,file={variables}"]
    if config.esp:
        line += _drive("esp", config.esp, "virtio", ",bootindex=0")
    if config.data:
        line += _drive("data", config.data, config.disk)
    for number, image in enumerate(config.scratch):
        line += _drive(f"scratch{number}", image, "virtio")
    line += ["-netdev", "user,id=net", "-device", f"{network},netdev=net,romfile=",
             "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", *config.extra]
    return shlex.split(os.environ.get("QEMU_PREFIX", "")) + line


class Machine:
    """A running machine: `with Machine(config, log) as machine`. QEMU is gone when the block is left."""

    def __init__(self, config: MachineConfig, log: Path) -> None:
        self._config = config
        self._log_path = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._variables = log.with_suffix(".vars")

    def __enter__(self) -> "Machine":
        shutil.copyfile(_FIRMWARE / "OVMF_VARS.fd", self._variables)
        self._log = self._log_path.open("wb")
        line = command_line(self._config, self._variables)
        self.child = pexpect.spawn(line[0], line[1:], timeout=DEFAULT_LIMIT, echo=False, maxread=65536)
        self.child.logfile_read = self._log
        self.child.delaybeforesend = None
        self.expect(r"[^\s]", "QEMU starts", _START_LIMIT)
        self.started = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.close(force=True)
        self._log.close()
        self._variables.unlink(missing_ok=True)

    def elapsed(self) -> float:
        """Seconds since QEMU's first output."""
        return time.monotonic() - self.started

    def tail(self, lines: int = 40) -> str:
        """The end of the serial log, without terminal control codes."""
        self._log.flush()
        text = self._log_path.read_bytes()[-16384:].decode("utf-8", "replace").replace("\r", "")
        return "\n".join(text.splitlines()[-lines:])

    def expect(self, pattern: str | list[str], step: str, limit: float = DEFAULT_LIMIT) -> int:
        """Waits until the console shows a pattern; of a list, says which. Raises MachineError naming the step."""
        try:
            return int(self.child.expect(pattern, timeout=limit))
        except pexpect.TIMEOUT:
            raise MachineError(step, f"nothing matched {pattern!r} within {limit:.0f} s", self.tail()) from None
        except pexpect.EOF:
            raise MachineError(step, "QEMU ended", self.tail()) from None

    def text_before(self) -> str:
        """What the console showed before the last match."""
        return (self.child.before or b"").decode("utf-8", "replace").replace("\r", "")

    def text_matched(self) -> str:
        """What the last match was."""
        return (self.child.after or b"").decode("utf-8", "replace")

    def type(self, text: str) -> None:
        """Types text, in portions that a serial console's small receive buffer can take."""
        for start in range(0, len(text), 16):
            self.child.send(text[start:start + 16])
            time.sleep(0.02)

    def expect_end(self, step: str, limit: float = DEFAULT_LIMIT) -> None:
        """Waits until the machine has switched itself off."""
        try:
            self.child.expect(pexpect.EOF, timeout=limit)
        except pexpect.TIMEOUT:
            raise MachineError(step, f"the machine was still on after {limit:.0f} s", self.tail()) from None
